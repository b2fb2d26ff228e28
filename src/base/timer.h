/* timer.h: clocks in seconds. Local. */
#ifndef NNSM_BASE_TIMER_H
#define NNSM_BASE_TIMER_H

double nnsm_seconds(void);         /* monotonic wall clock from an arbitrary origin */
double nnsm_process_seconds(void); /* processor time of this process */

/* The time that this process has waited for others: between begin and end, which may nest. */
void nnsm_wait_begin(void);
void nnsm_wait_end(void);
double nnsm_waited(void);

#endif
