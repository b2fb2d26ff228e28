#include "base/host.h"

#include <stdio.h>
#include <unistd.h>

void nnsm_host_name(char *name, size_t size)
{
    if (gethostname(name, size) != 0)
        (void)snprintf(name, size, "unknown");
    name[size - 1] = '\0';
}
