/* SPDX-License-Identifier: Apache-2.0 */
/* assay-job NAME [ARGUMENT]... - read a foreign format from standard input without any rights and
 * tell facts on standard output, a seqpacket socket (loop/jobframe.h).  Started by other programs
 * of Assay. */
#include "job/run.h"
#include "sys/program.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        program_begin();
        if (argc < 2) {
                fputs("usage: assay-job NAME [ARGUMENT]..., started by a program of Assay\n",
                      stderr);
                return 2;
        }
        /* at once: nothing is left to flush, and the sealed process has no right to be thorough */
        _exit(job_run(argv[1], (const char *const *)argv + 2, STDIN_FILENO, STDOUT_FILENO));
}
