/* Loaded before libfaketime: waits with a deadline go to the C library as they are.
 *
 * libfaketime 0.9.10 takes the deadlines of monotonic waits for the wall clock's even where the monotonic clock is not
 * faked (https://github.com/wolfcw/libfaketime/commit/a2e406c, in no release yet): on a clock that is ahead each timed
 * wait of a JVM ends at once, and its threads spin; on one that is behind it lasts that much longer. A JVM waits by the
 * wall clock in LockSupport.parkUntil alone, which neither Kafka nor Flink calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

typedef int (*timed_wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline)
{
    static timed_wait of_libc;
    timed_wait wait = of_libc;
    if (wait == NULL) {
        void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
        wait = libc == NULL ? NULL : (timed_wait)dlsym(libc, "pthread_cond_timedwait");
        of_libc = wait;
    }
    return wait == NULL ? ENOSYS : wait(condition, mutex, deadline);
}
