/* host.h: on which node is this? */
#ifndef NNSM_BASE_HOST_H
#define NNSM_BASE_HOST_H

#include <stddef.h>

/* The name of this host, cut at size; "unknown" where the system does not say. Local. */
void nnsm_host_name(char *name, size_t size);

#endif
