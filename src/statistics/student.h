/* student.h: tail probabilities of Student's t, for means with measured errors. */
#ifndef NNSM_STATISTICS_STUDENT_H
#define NNSM_STATISTICS_STUDENT_H

/* Two-sided p of Student's t with `freedom` degrees: the regularised incomplete beta function I_x(nu/2, 1/2), x = nu /
 * (nu + t^2) (Abramowitz and Stegun 26.7.1), by its continued fraction. */
double nnsm_student_p(double t, double freedom);

#endif
