/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h - the definitions that tables.c lists; each is in the file of its name.  Floor 2. */
#ifndef STATE_TABLES_H
#define STATE_TABLES_H

#include "state/state.h"

extern const struct state_table state_antimalware;
extern const struct state_table state_audit;
extern const struct state_table state_authorized_keys;
extern const struct state_table state_backups;
extern const struct state_table state_capacity;
extern const struct state_table state_certificates;
extern const struct state_table state_cron;
extern const struct state_table state_device;
extern const struct state_table state_encryption;
extern const struct state_table state_file_age;
extern const struct state_table state_firewall;
extern const struct state_table state_groups;
extern const struct state_table state_hardware;
extern const struct state_table state_kernel;
extern const struct state_table state_ldap;
extern const struct state_table state_logins;
extern const struct state_table state_modules;
extern const struct state_table state_mounts;
extern const struct state_table state_namespace_mounts;
extern const struct state_table state_namespace_ports;
extern const struct state_table state_packages;
extern const struct state_table state_pam;
extern const struct state_table state_passwords;
extern const struct state_table state_patches;
extern const struct state_table state_pg_roles;
extern const struct state_table state_pg_schema;
extern const struct state_table state_ports;
extern const struct state_table state_services;
extern const struct state_table state_sshd;
extern const struct state_table state_sudo_rules;
extern const struct state_table state_suid;
extern const struct state_table state_sysctls;
extern const struct state_table state_time_sync;
extern const struct state_table state_timers;
extern const struct state_table state_tls;
extern const struct state_table state_user_units;
extern const struct state_table state_users;

#endif
