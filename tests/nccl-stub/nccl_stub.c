/* A stand-in for the part of NCCL that moves bytes between ranks, which are threads of one process here and whose devices' memory is the host's.
 * What a group holds is done at its end: first all that is sent, then all that is received. It refuses what NCCL would: calls outside of a
 * group that belong in one, another type than bytes, another stream than the first.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 4, INVALID_USAGE = 5, BYTES = 1, RANKS = 8, LONGEST = 64 };

typedef struct { char bytes[128]; } unique_id;
typedef struct message { void *bytes; size_t count; struct message *next; } message;
typedef struct comm { int rank, size; void *stream; } comm;
typedef struct { comm *to; void *memory; size_t count; int peer; int sends; } call;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static message *boxes[RANKS][RANKS];
static int alive, aborted, failing;
static _Thread_local call calls[LONGEST];
static _Thread_local int held, depth;

/* The test's side: communicators that are alive, those that were aborted, what AsyncError tells. */
int stub_alive(void) { return alive; }
int stub_aborted(void) { return aborted; }
void stub_fail(int error) { failing = error; }

const char *ncclGetErrorString(int error) { return error == INVALID_USAGE ? "invalid usage" : error == INVALID_ARGUMENT ? "invalid argument" : "remote process exited or there was a network error"; }
int ncclGetUniqueId(unique_id *id) { memset(id, 0, sizeof *id); strcpy(id->bytes + 100, "stub"); return SUCCESS; }

int ncclCommInitRank(comm **made, int size, unique_id id, int rank)
{
    if (strcmp(id.bytes + 100, "stub") != 0 || size > RANKS || rank < 0 || rank >= size) return INVALID_ARGUMENT;
    *made = calloc(1, sizeof **made);
    (*made)->rank = rank;
    (*made)->size = size;
    pthread_mutex_lock(&gate);
    alive++;
    pthread_mutex_unlock(&gate);
    return SUCCESS;
}

static int hold(comm *to, const void *memory, size_t count, int type, int peer, void *stream, int sends)
{
    if (depth == 0 || held == LONGEST) return INVALID_USAGE;
    if (type != BYTES || peer < 0 || peer >= to->size || stream == NULL || (to->stream != NULL && to->stream != stream)) return INVALID_ARGUMENT;
    to->stream = stream;
    calls[held++] = (call){ to, (void *)memory, count, peer, sends };
    return SUCCESS;
}

int ncclSend(const void *memory, size_t count, int type, int peer, comm *from, void *stream) { return hold(from, memory, count, type, peer, stream, 1); }
int ncclRecv(void *memory, size_t count, int type, int peer, comm *to, void *stream) { return hold(to, memory, count, type, peer, stream, 0); }

int ncclBroadcast(const void *from, void *to, size_t count, int type, int root, comm *with, void *stream)
{
    if (with->rank != root) return ncclRecv(to, count, type, root, with, stream);
    for (int peer = 0; peer < with->size; peer++)
        if (peer != root && ncclSend(from, count, type, peer, with, stream) != SUCCESS) return INVALID_USAGE;
    return SUCCESS;
}

int ncclGroupStart(void) { depth++; return SUCCESS; }

int ncclGroupEnd(void)
{
    if (--depth > 0) return SUCCESS;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < held; i++) {
        if (!calls[i].sends) continue;
        message *sent = malloc(sizeof *sent), **last = &boxes[calls[i].to->rank][calls[i].peer];
        *sent = (message){ memcpy(malloc(calls[i].count), calls[i].memory, calls[i].count), calls[i].count, NULL };
        while (*last != NULL) last = &(*last)->next;
        *last = sent;
    }
    pthread_cond_broadcast(&arrived);
    int result = SUCCESS;
    for (int i = 0; i < held; i++) {
        if (calls[i].sends) continue;
        message **box = &boxes[calls[i].peer][calls[i].to->rank];
        while (*box == NULL) pthread_cond_wait(&arrived, &gate);
        message *got = *box;
        *box = got->next;
        if (got->count != calls[i].count) result = INVALID_ARGUMENT;
        else memcpy(calls[i].memory, got->bytes, got->count);
        free(got->bytes);
        free(got);
    }
    held = 0;
    pthread_mutex_unlock(&gate);
    return result;
}

int ncclCommGetAsyncError(comm *of, int *error) { (void)of; *error = failing; return SUCCESS; }
int ncclCommDestroy(comm *ended) { pthread_mutex_lock(&gate); alive--; pthread_mutex_unlock(&gate); free(ended); return SUCCESS; }
int ncclCommAbort(comm *ended) { pthread_mutex_lock(&gate); aborted++; pthread_mutex_unlock(&gate); return ncclCommDestroy(ended); }
