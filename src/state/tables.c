/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - every table of a host's state, one line each. */
#include "state/tables.h"

/* In order of their names. */
/* clang-format off */
const struct state_table *const state_tables[] = {
        &state_antimalware,
        &state_audit,
        &state_authorized_keys,
        &state_backups,
        &state_capacity,
        &state_certificates,
        &state_cron,
        &state_device,
        &state_encryption,
        &state_file_age,
        &state_firewall,
        &state_groups,
        &state_hardware,
        &state_kernel,
        &state_ldap,
        &state_logins,
        &state_modules,
        &state_mounts,
        &state_namespace_mounts,
        &state_namespace_ports,
        &state_packages,
        &state_pam,
        &state_passwords,
        &state_patches,
        &state_pg_roles,
        &state_pg_schema,
        &state_ports,
        &state_services,
        &state_sshd,
        &state_sudo_rules,
        &state_suid,
        &state_sysctls,
        &state_time_sync,
        &state_timers,
        &state_tls,
        &state_user_units,
        &state_users,
        NULL,
};
/* clang-format on */

const struct state_table *state_table_by_name(struct span name)
{
        for (size_t i = 0; state_tables[i]; i++)
                if (span_eq_str(name, state_tables[i]->name))
                        return state_tables[i];
        return NULL;
}
