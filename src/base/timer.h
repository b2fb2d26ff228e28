/* timer.h: monotonic wall clock in seconds from an arbitrary origin. Local. */
#ifndef NNSM_BASE_TIMER_H
#define NNSM_BASE_TIMER_H

double nnsm_seconds(void);

#endif
