#include "nnsm/error.h"

#include <stdarg.h>
#include <stdio.h>

nnsm_status nnsm_fail(nnsm_error *error, nnsm_status status, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        (void)vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return status;
}
