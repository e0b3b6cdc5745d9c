/*
 * The trusted launcher: runs one program, waits for every process it leaves behind, and reports what the whole tree
 * used. Inside the jail it is PID 1, so that orphans come to it and the program can neither signal it nor outlive it;
 * outside (no isolation) it is a sub-reaper. Its report goes to a descriptor the program does not inherit.
 *
 * usage: launcher REPORT_FD NICE DATA_BYTES FILE_BYTES PROCESSES -- PROGRAM [ARG...]      (0 = no limit)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t program = -1;

static void forward(int number) {
  if (program > 0) kill(program, number);
}

static void limit(int resource, const char *text) {
  unsigned long long bytes = strtoull(text, NULL, 10);
  if (bytes == 0) return;
  struct rlimit value = {bytes, bytes};
  setrlimit(resource, &value);
}

/* Kills every child of ours once (orphans of the program are our children by now). Returns how many there were. */
static int kill_children(void) {
  if (getpid() == 1) return kill(-1, SIGKILL) == 0 ? 1 : 0;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  int count = 0, pid;
  while (fscanf(file, "%d", &pid) == 1) {
    kill(pid, SIGKILL);
    count++;
  }
  fclose(file);
  return count;
}

int main(int argc, char **argv) {
  if (argc < 8 || strcmp(argv[6], "--") != 0) return 125;
  int report = atoi(argv[1]);
  if (report > 2) fcntl(report, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_DUMPABLE, 0);
  signal(SIGTERM, forward);
  signal(SIGINT, forward);

  program = fork();
  if (program < 0) return 126;
  if (program == 0) {
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    int level = atoi(argv[2]);
    if (level != 0) {
      setpriority(PRIO_PROCESS, 0, level);
      syscall(SYS_ioprio_set, 1, 0, (3 << 13)); /* idle class */
    }
    limit(RLIMIT_DATA, argv[3]);
    limit(RLIMIT_FSIZE, argv[4]);
    limit(RLIMIT_NPROC, argv[5]);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    execvp(argv[7], &argv[7]);
    fprintf(stderr, "%s: %s\n", argv[7], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
  }

  int status = 0, state;
  for (;;) {
    pid_t ended = waitpid(-1, &state, 0);
    if (ended == program) {
      status = state;
      break;
    }
    if (ended < 0 && errno != EINTR) break;
  }
  int leftovers = 0;
  for (;;) {
    pid_t ended = waitpid(-1, &state, WNOHANG);
    if (ended > 0) continue;
    if (ended < 0 && errno == ECHILD) break;
    leftovers = 1;
    if (kill_children() == 0) break;
    if (waitpid(-1, &state, 0) < 0 && errno == ECHILD) break;
  }
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  long long micros = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  if (report > 2)
    dprintf(report, "{\"cpuMicros\":%lld,\"maxRssKib\":%ld,\"leftovers\":%s,\"signal\":%d}\n", micros, used.ru_maxrss,
            leftovers ? "true" : "false", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
