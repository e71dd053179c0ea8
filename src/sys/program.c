/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/program.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* The lowest free number is taken, and those below fd are not free.  Where even this cannot be
 * opened nothing else can. */
static void keep_taken(int fd)
{
        if (fcntl(fd, F_GETFD) < 0)
                (void)open("/", O_PATH | O_DIRECTORY);
}

void program_begin(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                keep_taken(fd);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);
}
