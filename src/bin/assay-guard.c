/* SPDX-License-Identifier: Apache-2.0 */
/* assay-guard handler | watchdog - the two processes of execution control; started by the sensor.
 */
#include "integrity/preventing/guard_handler.h"
#include "sys/program.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
        program_begin();
        if (argc == 2 && strcmp(argv[1], "handler") == 0)
                return guard_handle();
        if (argc == 2 && strcmp(argv[1], "watchdog") == 0)
                return guard_watch();
        fputs("usage: assay-guard handler | watchdog, started by assay-sensor\n", stderr);
        return 2;
}
