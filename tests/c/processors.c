/* libtorch gets no more threads than there are processors for the process, unless somebody says how many. */
/* For dl_iterate_phdr(), fork() and cpu_set_t. */
#define _GNU_SOURCE
#include "check.h"
#include "code_of.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Stands in for the C library's, and tells coopseg alone of one processor, as in a container. */
int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set)
{
    const code core = code_of("libcoopseg-core.so");
    long written;
    if (is_in(&core, __builtin_return_address(0))) {
        memset(set, 0, size);
        CPU_SET(0, set);
        return 0;
    }
    memset(set, 0, size);
    written = syscall(SYS_sched_getaffinity, process, size, set);
    return written < 0 ? -1 : 0;
}

/* In a process of its own, since libtorch starts once. */
static void expect_threads(const char *variable, int32_t expected)
{
    int status = -1;
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int32_t threads = 0;
        failures = 0;
        if (variable != NULL) {
            CHECK(setenv(variable, "2", 1) == 0);
        }
        CHECK_OK(coopseg_threads(&threads));
        CHECK(threads == expected);
        CHECK_OK(coopseg_set_threads(2));
        CHECK_OK(coopseg_threads(&threads));
        CHECK(threads == 2);
        exit(report());
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    CHECK(unsetenv("OMP_NUM_THREADS") == 0 && unsetenv("MKL_NUM_THREADS") == 0);
    expect_threads(NULL, 1);
    /* MKL takes no more than there are. */
    expect_threads("OMP_NUM_THREADS", sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1);
    return report();
}
