/* preload.c: makes one call of one rank fail. A library for LD_PRELOAD, so that the program itself holds no test code.
 *
 * Only calls that the program makes are looked at: HDF5, MPI and libc may call the same functions for themselves. The
 * one exception is the kind `disk`, which is every write to a regular file by the program, HDF5 or MPI-IO.
 *
 *   NNSM_FAULT_COUNT=FILE   write FILE.<rank> at exit: a line "kind first last calls stack" for each distinct stack,
 *                           where first and last are numbers of calls of this kind on this rank, counted from 1, and
 *                           the stack lists return addresses in the program, innermost first, relative to its load
 *                           address
 *   NNSM_FAULT=KIND:N       the N-th call of this kind fails (kind disk: and every later one, as on a full disk)
 *   NNSM_FAULT_RANK=R       on this rank
 *   NNSM_FAULT_STOP=1       that call does not fail: the rank gets SIGUSR1 there, to make a checkpoint in the middle of
 *                           a stage. MPI_Allreduce is a kind for this only
 *   NNSM_FAULT_LOG=FILE     where the failed call's stack goes, and with SIGUSR2 FILE.<rank>: where a rank is stuck
 *
 * What a failing call does: it returns its error without doing anything, with three exceptions. Closing and flushing
 * are done first, as the program cannot do them again. While a file shared through MPI is open the real call is made
 * too, since the other ranks may be waiting in it, and its result thrown away. Such a file is created or opened under a
 * path that does not exist, as on a machine that does not see the directory of the others. */
#include <cblas.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <hdf5.h>
#include <link.h>
#include <math.h>
#include <mpi.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DEPTH = 32, SITES = 8192, PATH = 4096 };

typedef struct {
    const char *name;
    unsigned long calls;
} kind;

typedef struct {
    const kind *kind;
    unsigned long first, last, calls;
    int depth;
    uintptr_t stack[DEPTH];
} site;

static struct {
    uintptr_t base, low, high; /* the program: load address and extent */
    const char *count, *log;
    char fault[64]; /* kind that fails here; empty on all ranks but one */
    unsigned long number;
    int rank;
    bool ready, stop;
    hid_t shared; /* file open through MPI, or H5I_INVALID_HID */
} state = {.shared = H5I_INVALID_HID};

static site sites[SITES];

/* ---- set-up and results */

static int find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    state.base = info->dlpi_addr;
    state.low = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD) {
            uintptr_t low = state.base + info->dlpi_phdr[i].p_vaddr, high = low + info->dlpi_phdr[i].p_memsz;
            state.low = low < state.low ? low : state.low;
            state.high = high > state.high ? high : state.high;
        }
    return 1; /* the program is the first object */
}

static bool in_program(const void *address)
{
    return (uintptr_t)address >= state.low && (uintptr_t)address < state.high;
}

static int take_stack(uintptr_t *stack)
{
    void *frame[2 * DEPTH];
    int found = backtrace(frame, 2 * DEPTH), depth = 0;
    for (int i = 0; i < found && depth < DEPTH; i++)
        if (in_program(frame[i]))
            stack[depth++] = (uintptr_t)frame[i] - state.base;
    return depth;
}

static void write_stack(int descriptor, const char *head, const uintptr_t *stack, int depth)
{
    char text[64 + 20 * DEPTH];
    int length = snprintf(text, 64, "%s", head);
    for (int i = 0; i < depth; i++)
        length += snprintf(text + length, 20, "%s%lx", i ? "," : " ", (unsigned long)stack[i]);
    text[length++] = '\n';
    if (write(descriptor, text, (size_t)length) != length)
        abort();
}

static void write_log(const char *name, const char *head)
{
    uintptr_t stack[DEPTH];
    int depth = take_stack(stack), descriptor = open(name, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (descriptor >= 0) {
        write_stack(descriptor, head, stack, depth);
        (void)close(descriptor);
    }
}

static void tell_stuck(int signal_number)
{
    char name[PATH];
    (void)signal_number;
    (void)snprintf(name, sizeof name, "%s.%d", state.log, state.rank);
    write_log(name, "stuck");
}

__attribute__((constructor)) static void begin(void)
{
    const char *rank = NULL, *fault = getenv("NNSM_FAULT"), *where = getenv("NNSM_FAULT_RANK");
    static const char *const variables[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < 3 && !rank; i++)
        rank = getenv(variables[i]);
    if (!rank)
        return;
    void *frame[2];
    (void)backtrace(frame, 2); /* loads its library now */
    (void)dl_iterate_phdr(find_program, NULL);
    state.rank = atoi(rank);
    state.count = getenv("NNSM_FAULT_COUNT");
    state.log = getenv("NNSM_FAULT_LOG");
    state.stop = getenv("NNSM_FAULT_STOP") != NULL;
    if (state.log)
        (void)signal(SIGUSR2, tell_stuck); /* which the program does not catch */
    if (fault && where && atoi(where) == state.rank && sscanf(fault, "%63[^:]:%lu", state.fault, &state.number) != 2)
        abort();
    state.ready = true;
}

__attribute__((destructor)) static void end(void)
{
    char text[PATH];
    if (!state.ready || !state.count)
        return;
    state.ready = false;
    (void)snprintf(text, sizeof text, "%s.%d", state.count, state.rank);
    int descriptor = open(text, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    for (size_t i = 0; i < SITES; i++)
        if (sites[i].calls) {
            (void)snprintf(text, 64, "%s %lu %lu %lu", sites[i].kind->name, sites[i].first, sites[i].last,
                           sites[i].calls);
            write_stack(descriptor, text, sites[i].stack, sites[i].depth);
        }
    (void)close(descriptor);
}

/* ---- counting and deciding */

static bool same(const site *s, const kind *k, const uintptr_t *stack, int depth)
{
    return s->kind == k && s->depth == depth && memcmp(s->stack, stack, (size_t)depth * sizeof *stack) == 0;
}

static void record(const kind *k)
{
    uintptr_t stack[DEPTH];
    int depth = take_stack(stack);
    uint64_t hash = (uintptr_t)k * 1099511628211u; /* FNV-1a over words; only where to look first */
    for (int i = 0; i < depth; i++)
        hash = (hash ^ stack[i]) * 1099511628211u;
    size_t at = (size_t)(hash >> 20) % SITES;
    for (size_t tried = 0; sites[at].calls && !same(&sites[at], k, stack, depth); tried++, at = (at + 1) % SITES)
        if (tried == SITES)
            abort();
    site *s = &sites[at];
    if (!s->calls++) {
        s->kind = k;
        s->first = k->calls;
        s->depth = depth;
        memcpy(s->stack, stack, sizeof stack);
    }
    s->last = k->calls;
}

static bool chosen(kind *k, bool lasting)
{
    k->calls++;
    if (state.count)
        record(k);
    if (strcmp(state.fault, k->name) != 0 || k->calls < state.number || (k->calls > state.number && !lasting))
        return false;
    if (state.log && k->calls == state.number)
        write_log(state.log, k->name);
    if (state.stop)
        (void)raise(SIGUSR1);
    return !state.stop;
}

static bool fails(kind *k, const void *caller)
{
    return state.ready && in_program(caller) && chosen(k, false);
}

#define CALLER __builtin_return_address(0)
/* `real` is the function behind ours. */
#define FIND(name)                                                                                                     \
    static __typeof__(&name) real;                                                                                     \
    if (!real)                                                                                                         \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

/* ---- libc */

#define PLAIN(type, name, parameters, arguments, kind_name, failure, code)                                             \
    type name parameters                                                                                               \
    {                                                                                                                  \
        static kind k = {kind_name, 0};                                                                                \
        FIND(name);                                                                                                    \
        if (!fails(&k, CALLER))                                                                                        \
            return real arguments;                                                                                     \
        errno = (code);                                                                                                \
        return failure;                                                                                                \
    }

PLAIN(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), "allocate", NULL, ENOMEM)
PLAIN(int, fsync, (int descriptor), (descriptor), "fsync", -1, EIO)
PLAIN(int, rename, (const char *from, const char *to), (from, to), "rename", -1, EIO)
PLAIN(int, mkdir, (const char *path, mode_t mode), (path, mode), "mkdir", -1, ENOSPC)
PLAIN(int, access, (const char *path, int mode), (path, mode), "access", -1, EIO)
PLAIN(int, posix_fallocate, (int descriptor, off_t offset, off_t length), (descriptor, offset, length),
      "posix_fallocate", ENOSPC, 0)
PLAIN(int, ftruncate, (int descriptor, off_t length), (descriptor, length), "ftruncate", -1, EIO)
PLAIN(int, sync_file_range, (int descriptor, off_t from, off_t length, unsigned flags),
      (descriptor, from, length, flags), "sync_file_range", -1, EIO)
PLAIN(ssize_t, pread, (int descriptor, void *buffer, size_t count, off_t offset), (descriptor, buffer, count, offset),
      "pread", -1, EIO)
PLAIN(int, mkostemp, (char *path, int flags), (path, flags), "mkostemp", -1, EACCES)
PLAIN(void *, mmap, (void *at, size_t length, int protection, int flags, int descriptor, off_t offset),
      (at, length, protection, flags, descriptor, offset), "mmap", MAP_FAILED, ENOMEM)
PLAIN(FILE *, fopen, (const char *path, const char *mode), (path, mode), "fopen", NULL, EIO)

int open(const char *path, int flags, ...)
{
    static kind k = {"open", 0};
    mode_t mode = 0;
    FIND(open);
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (!fails(&k, CALLER))
        return real(path, flags, mode);
    errno = EIO;
    return -1;
}

int close(int descriptor)
{
    static kind k = {"close", 0};
    FIND(close);
    bool fail = fails(&k, CALLER);
    int status = real(descriptor);
    if (fail)
        errno = EIO;
    return fail ? -1 : status;
}

/* dlsym may ask for memory itself: the function behind calloc is found without it. */
extern void *__libc_calloc(size_t count, size_t size);
void *calloc(size_t count, size_t size)
{
    static kind k = {"calloc", 0};
    return fails(&k, CALLER) ? NULL : __libc_calloc(count, size);
}

/* ---- a full disk, seen by whoever writes */

static bool disk_full(int descriptor, const void *caller)
{
    static kind k = {"disk", 0};
    Dl_info from;
    struct stat about;
    if (!state.ready || fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode) || !about.st_nlink)
        return false; /* what has no name is in memory */
    if (!in_program(caller) &&
        !(dladdr(caller, &from) && (strstr(from.dli_fname, "libhdf5") || strstr(from.dli_fname, "mca_fbtl") ||
                                    strstr(from.dli_fname, "mca_fcoll") || strstr(from.dli_fname, "mca_io"))))
        return false;
    bool full = chosen(&k, true);
    errno = full ? ENOSPC : errno;
    return full;
}

#define DISK(name, parameters, arguments)                                                                              \
    ssize_t name parameters                                                                                            \
    {                                                                                                                  \
        FIND(name);                                                                                                    \
        return disk_full(descriptor, CALLER) ? -1 : real arguments;                                                    \
    }

DISK(pwrite, (int descriptor, const void *buffer, size_t count, off_t offset), (descriptor, buffer, count, offset))
DISK(pwritev, (int descriptor, const struct iovec *parts, int count, off_t offset), (descriptor, parts, count, offset))

/* ---- MPI */

int MPI_Allreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm comm)
{
    static kind k = {"MPI_Allreduce", 0};
    if (state.stop)
        (void)fails(&k, CALLER);
    return PMPI_Allreduce(from, to, count, type, operation, comm);
}

/* ---- numbers that are none, of OpenBLAS (couplings, frontier networks) and in messages of gradients and parameters */

static kind nan_kind = {"nan", 0};

int MPI_Isend(const void *buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request)
{
    if (type == MPI_FLOAT && count > 0 && fails(&nan_kind, CALLER))
        ((float *)(uintptr_t)buffer)[count / 2] = NAN;
    return PMPI_Isend(buffer, count, type, to, tag, comm, request);
}

void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE ta, enum CBLAS_TRANSPOSE tb, blasint m, blasint n,
                 blasint k, float alpha, const float *a, blasint lda, const float *b, blasint ldb, float beta, float *c,
                 blasint ldc)
{
    FIND(cblas_sgemm);
    real(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (fails(&nan_kind, CALLER))
        c[(size_t)(m / 2) * (size_t)ldc + (size_t)(n / 2)] = NAN;
}

/* ---- HDF5 */

#define HANDLE(name, parameters, arguments)                                                                            \
    hid_t name parameters                                                                                              \
    {                                                                                                                  \
        static kind k = {#name, 0};                                                                                    \
        FIND(name);                                                                                                    \
        bool fail = fails(&k, CALLER);                                                                                 \
        hid_t made = fail && state.shared < 0 ? H5I_INVALID_HID : real arguments;                                      \
        if (fail && made >= 0)                                                                                         \
            (void)H5Idec_ref(made);                                                                                    \
        return fail ? H5I_INVALID_HID : made;                                                                          \
    }
#define STATUS(type, name, parameters, arguments, failure)                                                             \
    type name parameters                                                                                               \
    {                                                                                                                  \
        static kind k = {#name, 0};                                                                                    \
        FIND(name);                                                                                                    \
        bool fail = fails(&k, CALLER);                                                                                 \
        type status = fail && state.shared < 0 ? failure : real arguments;                                             \
        return fail ? failure : status;                                                                                \
    }
#define CLOSE(name, parameters, arguments)                                                                             \
    herr_t name parameters                                                                                             \
    {                                                                                                                  \
        static kind k = {#name, 0};                                                                                    \
        FIND(name);                                                                                                    \
        bool fail = fails(&k, CALLER);                                                                                 \
        herr_t status = real arguments;                                                                                \
        return fail ? -1 : status;                                                                                     \
    }

static bool through_mpi(hid_t list)
{
    return list != H5P_DEFAULT && H5Pget_driver(list) == H5FD_MPIO;
}

hid_t H5Fcreate(const char *path, unsigned flags, hid_t creation, hid_t access_list)
{
    static kind k = {"H5Fcreate", 0};
    FIND(H5Fcreate);
    bool fail = fails(&k, CALLER), shared = through_mpi(access_list);
    if (fail && !shared)
        return H5I_INVALID_HID;
    hid_t file = real(fail ? "/nowhere/at/all.h5" : path, flags, creation, access_list);
    if (file >= 0 && shared)
        state.shared = file;
    return file;
}

hid_t H5Fopen(const char *path, unsigned flags, hid_t access_list)
{
    static kind k = {"H5Fopen", 0};
    FIND(H5Fopen);
    bool fail = fails(&k, CALLER), shared = through_mpi(access_list);
    if (fail && !shared)
        return H5I_INVALID_HID;
    hid_t file = real(fail ? "/nowhere/at/all.h5" : path, flags, access_list);
    if (file >= 0 && shared)
        state.shared = file;
    return file;
}

herr_t H5Fclose(hid_t file)
{
    static kind k = {"H5Fclose", 0};
    FIND(H5Fclose);
    bool fail = fails(&k, CALLER);
    herr_t status = real(file);
    if (file == state.shared)
        state.shared = H5I_INVALID_HID;
    return fail ? -1 : status;
}

CLOSE(H5Aclose, (hid_t attribute), (attribute))
CLOSE(H5Dclose, (hid_t set), (set))
CLOSE(H5Gclose, (hid_t group), (group))
CLOSE(H5Oclose, (hid_t object), (object))
CLOSE(H5Pclose, (hid_t list), (list))
CLOSE(H5Sclose, (hid_t space), (space))
CLOSE(H5Tclose, (hid_t type), (type))

HANDLE(H5Acreate2, (hid_t object, const char *name, hid_t type, hid_t space, hid_t creation, hid_t use),
       (object, name, type, space, creation, use))
HANDLE(H5Aopen, (hid_t object, const char *name, hid_t use), (object, name, use))
HANDLE(H5Aopen_by_name, (hid_t at, const char *object, const char *name, hid_t use, hid_t links),
       (at, object, name, use, links))
HANDLE(H5Aget_space, (hid_t attribute), (attribute))
HANDLE(H5Aget_type, (hid_t attribute), (attribute))
HANDLE(H5Dcreate2, (hid_t at, const char *name, hid_t type, hid_t space, hid_t links, hid_t creation, hid_t use),
       (at, name, type, space, links, creation, use))
HANDLE(H5Dopen2, (hid_t at, const char *name, hid_t use), (at, name, use))
HANDLE(H5Dget_create_plist, (hid_t set), (set))
HANDLE(H5Dget_space, (hid_t set), (set))
HANDLE(H5Dget_type, (hid_t set), (set))
HANDLE(H5Gcreate2, (hid_t at, const char *name, hid_t links, hid_t creation, hid_t use),
       (at, name, links, creation, use))
HANDLE(H5Gopen2, (hid_t at, const char *name, hid_t use), (at, name, use))
HANDLE(H5Oopen, (hid_t at, const char *name, hid_t links), (at, name, links))
HANDLE(H5Pcreate, (hid_t class), (class))
HANDLE(H5Screate, (H5S_class_t class), (class))
HANDLE(H5Screate_simple, (int rank, const hsize_t *sizes, const hsize_t *most), (rank, sizes, most))
HANDLE(H5Tcopy, (hid_t type), (type))
HANDLE(H5Tget_native_type, (hid_t type, H5T_direction_t direction), (type, direction))
HANDLE(H5Tget_super, (hid_t type), (type))

STATUS(herr_t, H5Aiterate2,
       (hid_t object, H5_index_t index, H5_iter_order_t order, hsize_t *first, H5A_operator2_t call, void *context),
       (object, index, order, first, call, context), -1)
STATUS(herr_t, H5Ocopy, (hid_t from, const char *name, hid_t to, const char *as, hid_t creation, hid_t links),
       (from, name, to, as, creation, links), -1)
STATUS(herr_t, H5Awrite, (hid_t attribute, hid_t type, const void *value), (attribute, type, value), -1)
STATUS(herr_t, H5Aread, (hid_t attribute, hid_t type, void *value), (attribute, type, value), -1)
STATUS(htri_t, H5Aexists_by_name, (hid_t at, const char *object, const char *name, hid_t links),
       (at, object, name, links), -1)
STATUS(herr_t, H5Dwrite, (hid_t set, hid_t type, hid_t memory, hid_t space, hid_t list, const void *values),
       (set, type, memory, space, list, values), -1)
STATUS(herr_t, H5Dread, (hid_t set, hid_t type, hid_t memory, hid_t space, hid_t list, void *values),
       (set, type, memory, space, list, values), -1)
STATUS(haddr_t, H5Dget_offset, (hid_t set), (set), HADDR_UNDEF)
STATUS(hsize_t, H5Dget_storage_size, (hid_t set), (set), 0)
STATUS(htri_t, H5Lexists, (hid_t at, const char *name, hid_t links), (at, name, links), -1)
STATUS(H5D_layout_t, H5Pget_layout, (hid_t list), (list), H5D_LAYOUT_ERROR)
STATUS(int, H5Pget_chunk, (hid_t list, int rank, hsize_t *sizes), (list, rank, sizes), -1)
STATUS(herr_t, H5Pset_chunk_cache, (hid_t list, size_t slots, size_t bytes, double share), (list, slots, bytes, share),
       -1)
STATUS(herr_t, H5Pset_alloc_time, (hid_t list, H5D_alloc_time_t when), (list, when), -1)
STATUS(herr_t, H5Pset_fill_time, (hid_t list, H5D_fill_time_t when), (list, when), -1)
STATUS(herr_t, H5Pset_chunk, (hid_t list, int rank, const hsize_t *sizes), (list, rank, sizes), -1)
STATUS(herr_t, H5Pset_create_intermediate_group, (hid_t list, unsigned yes), (list, yes), -1)
STATUS(herr_t, H5Pset_dxpl_mpio, (hid_t list, H5FD_mpio_xfer_t mode), (list, mode), -1)
STATUS(herr_t, H5Pset_fapl_mpio, (hid_t list, MPI_Comm comm, MPI_Info info), (list, comm, info), -1)
STATUS(hid_t, H5FDregister, (const H5FD_class_t *class), (class), -1)
STATUS(herr_t, H5Pset_driver, (hid_t list, hid_t driver, const void *info), (list, driver, info), -1)
STATUS(const void *, H5Pget_driver_info, (hid_t list), (list), NULL)
STATUS(herr_t, H5Pset_userblock, (hid_t list, hsize_t size), (list, size), -1)
STATUS(int, H5Sget_simple_extent_dims, (hid_t space, hsize_t *sizes, hsize_t *most), (space, sizes, most), -1)
STATUS(int, H5Sget_simple_extent_ndims, (hid_t space), (space), -1)
STATUS(hssize_t, H5Sget_simple_extent_npoints, (hid_t space), (space), -1)
STATUS(herr_t, H5Sselect_hyperslab,
       (hid_t space, H5S_seloper_t how, const hsize_t *start, const hsize_t *step, const hsize_t *count,
        const hsize_t *block),
       (space, how, start, step, count, block), -1)
STATUS(herr_t, H5Sselect_none, (hid_t space), (space), -1)
STATUS(H5T_class_t, H5Tget_class, (hid_t type), (type), H5T_NO_CLASS)
STATUS(H5T_cset_t, H5Tget_cset, (hid_t type), (type), H5T_CSET_ERROR)
STATUS(H5T_sign_t, H5Tget_sign, (hid_t type), (type), H5T_SGN_ERROR)
STATUS(size_t, H5Tget_size, (hid_t type), (type), 0)
STATUS(htri_t, H5Tis_variable_str, (hid_t type), (type), -1)
STATUS(herr_t, H5Tset_cset, (hid_t type, H5T_cset_t set), (type, set), -1)
STATUS(herr_t, H5Tset_size, (hid_t type, size_t size), (type, size), -1)
