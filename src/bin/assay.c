/* SPDX-License-Identifier: Apache-2.0 */
/* assay.c - the assay command: which commands there are. */
#include "bin/assay_commands.h"
#include "command/commands.h"
#include "sys/sysclock.h"

/* clang-format off */
static const struct command *const commands[] = {
        &command_up,
        &command_status,
        &command_doctor,
        &command_log,
        &command_verify,
        &command_prove,
        &command_export,
        &command_baseline,
        &command_check,
        &command_restore,
        &command_quarantine,
        &command_change,
        &command_alert,
        &command_deny,
        &command_watch,
        &command_state,
        &command_policy,
        &command_api,
        &command_token,
        &command_erase,
        &command_ledger,
        &command_help,
        &command_version,
        NULL,
};
/* clang-format on */

int main(int argc, char **argv)
{
        return command_main(commands, argc, argv, &sysclock);
}
