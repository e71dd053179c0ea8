/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_vault.c - does the vault open: its keys, its table of subjects, and whether they belong
 * together. */
#include "command/log/reader.h"
#include "command/places.h"
#include "command/running/doctor.h"

void doctor_look_vault(const struct invocation *in, struct finding *f)
{
        CLEANUP(secrets_done) struct secrets secrets = { 0 };
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        int r = places_ledger(in, dir, &err);

        if (r == 0)
                r = secrets_open(dir, &secrets, &err);
        if (r == 0) {
                uint32_t n = vault_subjects(secrets.vault);

                doctor_found(f, VERDICT_PASS, "%u subject%s, found by name", n, n == 1 ? "" : "s");
        } else if (r == -ENOENT) {
                doctor_found(f, VERDICT_PASS, "there is none yet");
        } else if (r == -EACCES || r == -EPERM) {
                doctor_found(f, VERDICT_UNKNOWN, "%s", err_text(&err));
        } else {
                doctor_found(f, VERDICT_FAIL, "%s", err_text(&err));
                doctor_mend(f,
                            "restore it from the copy of %s.private of the same time, then start "
                            "assay-recorder",
                            dir);
        }
}
