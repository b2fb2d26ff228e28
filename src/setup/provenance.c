#include "setup/provenance.h"

#include <cblas.h>
#include <hdf5.h>
#include <libconfig.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/host.h"
#include "revision.h"

void nnsm_provenance_collect(nnsm_provenance *provenance)
{
    nnsm_provenance *p = provenance;
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    unsigned major = 0, minor = 0, release = 0;
    int length;
    time_t now = time(NULL);
    struct tm utc;
    *p = (nnsm_provenance){.version = NNSM_VERSION, .commit = NNSM_REVISION};
    if (gmtime_r(&now, &utc))
        (void)strftime(p->date, sizeof p->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    nnsm_host_name(p->host, sizeof p->host);
    (void)MPI_Get_library_version(text, &length);
    text[strcspn(text, ",\n")] = '\0';
    (void)snprintf(p->mpi, sizeof p->mpi, "%.500s", text);
    (void)snprintf(p->blas, sizeof p->blas, "%.500s", openblas_get_config());
    (void)snprintf(p->blas_core, sizeof p->blas_core, "%.60s", openblas_get_corename());
    (void)H5get_libversion(&major, &minor, &release);
    (void)snprintf(p->hdf5, sizeof p->hdf5, "%u.%u.%u", major, minor, release);
    (void)snprintf(p->libconfig, sizeof p->libconfig, "%d.%d.%d", LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR,
                   LIBCONFIG_VER_REVISION);
}
