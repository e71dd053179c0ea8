/* SPDX-License-Identifier: Apache-2.0 */
/* What the job says of a state.yaml: facts, or faults as "line:column text". */
#include "job/faults.h"
#include "state/reading/settings.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"
#include "yaml_told.h"

static const struct told_job job = { job_statefile, NULL };

/* What is added begins in line 2. */
#define HEAD   "version: 1\n"
#define TABLES HEAD "tables:\n"                                /* and here in line 3 */
#define TARGET HEAD "targets:\n  - name: a\n    table: ldap\n" /* and here in line 5 */
#define LDAP   TARGET "    uri: ldap://x\n    base: x\n"       /* in line 7 */
#define DEVICE                                                                                     \
        HEAD "targets:\n  - name: a\n    table: device\n    command: c\n    user: u\n"             \
             "    host: h\n    key_file: /k\n    host_key: "

static const struct told_fault faults[] = {
        { SPAN_INIT(""), "1:1 the key version should stand here" },
        { SPAN_INIT("# nothing\n"), "1:1 the key version should stand here" },
        { SPAN_INIT("- a\n"), "1:1 the key version should stand here" },
        { SPAN_INIT("version: 2\n"), "1:10 this is version 1" },
        { SPAN_INIT("version: \"1\"\n"), "1:11 this is version 1" },
        { SPAN_INIT("tables: {}\n"), "1:1 the file has no version" },
        { SPAN_INIT(HEAD "table: {}\n"), "2:1 unknown key \"table\": there are version, tables" },
        { SPAN_INIT(HEAD "version: 1\n"), "2:1 key \"version\" is there twice, first in line 1" },
        { SPAN_INIT(HEAD "tables: *x\n"), "2:9 aliases" },
        { SPAN_INIT(HEAD "tables: [users]\n"), "2:9 names of tables with their keys" },
        { SPAN_INIT(TABLES "  user: {off: true}\n"), "3:3 there is no table \"user\"" },
        { SPAN_INIT(TABLES "  users: off\n"), "3:10 the keys every, alert, off or files" },
        { SPAN_INIT(TABLES "  users: {of: true}\n"), "3:11 unknown key \"of\": there are every, " },
        { SPAN_INIT(TABLES "  users: {alert: maybe}\n"),
          "3:18 yes, no or a list of added, removed and columns should stand here, not \"maybe\"" },
        { SPAN_INIT(TABLES "  users: {alert: [shell, yes]}\n"),
          "3:26 added, removed or a column of this table should stand here, not \"yes\"" },
        { SPAN_INIT(TABLES "  users: {alert: {a: b}}\n"), "3:18 yes, no or a list of columns" },
        { SPAN_INIT(TABLES "  users: {off: yes}\n"), "3:16 true or false should stand here" },
        { SPAN_INIT(TABLES "  users: {off: \"true\"}\n"), "3:17 true or false should stand here" },
        { SPAN_INIT(TABLES "  users: {every: 10}\n"), "3:18 a time, as 30s, 10m or 1d, should" },
        { SPAN_INIT(TABLES "  users: {every: 0s}\n"), "3:18 a time is between 1s and 366d" },
        { SPAN_INIT(TABLES "  users: {every: 367d}\n"), "3:18 a time is between 1s and 366d" },
        { SPAN_INIT(TABLES "  users: {every: 99999999999999999999d}\n"), "3:18 a time, as" },
        { SPAN_INIT(TABLES "  users: {every: 1d}\n  users: {off: true}\n"),
          "4:3 users is there twice, first in line 3" },
        { SPAN_INIT(TABLES "  users: {files: [{name: a, paths: /b}]}\n"),
          "3:18 table users takes no files" },
        { SPAN_INIT(HEAD "targets: {}\n"), "2:10 a list of targets should stand here" },
        { SPAN_INIT(HEAD "targets: [a]\n"), "2:11 the keys of a target should stand here" },
        { SPAN_INIT(HEAD "targets:\n  - x: 1\n"),
          "3:5 the target has no name\n3:5 the target has no table" },
        { SPAN_INIT(HEAD "targets:\n  - name: A\n    table: users\n"),
          "3:11 a target's name is up to 31 of a-z, 0-9, - and _, not \"A\"\n"
          "4:12 \"users\" is no table of targets" },
        { SPAN_INIT(HEAD "targets:\n  - {name: a, table: no, timeout: 11m}\n"),
          "3:22 \"no\" is no table of targets\n3:35 a time is between 1s and 10m" },
        { SPAN_INIT(TABLES "  ldap: {off: true}\n"), "3:3 ldap is looked at for the targets" },
        { SPAN_INIT(TARGET "    uri: x\n"), "3:5 the target has no base" },
        { SPAN_INIT(TARGET "    uri: x\n    base: x\n    bas: x\n"),
          "7:5 unknown key \"bas\" of ldap: there are attributes, base, " },
        { SPAN_INIT(TARGET "    uri: -x\n"), "5:10 a text that does not begin with a dash" },
        { SPAN_INIT(TARGET "    uri: [x, y]\n"), "5:10 ldaps://host, ldap://host or ldapi" },
        { SPAN_INIT(TARGET "    ca_file: x\n"), "5:14 an absolute path should stand here" },
        { SPAN_INIT(TARGET "    tls: no\n"), "5:10 starttls|none should stand here" },
        { SPAN_INIT(TARGET "    uri: ldaps://x\n    base: x\n"
                           "  - {name: a, table: ldap, uri: ldaps://x, base: y}\n"),
          "7:12 ldap has a target \"a\" already, in line 3" },
        { SPAN_INIT(TARGET "    uri: ldapsrg\n    base: x\n"),
          "5:10 a URI that begins with ldaps://, ldap:// or ldapi:// should stand here" },
        { SPAN_INIT(LDAP "    bind_dn: cn=a\n"), "7:14 bind_dn and password_file go together" },
        { SPAN_INIT(LDAP "    password_file: /p\n"), "7:20 bind_dn and password_file go together" },
        { SPAN_INIT(LDAP "    sasl: external\n    bind_dn: cn=a\n    password_file: /p\n"),
          "7:11 a bind_dn and sasl exclude each other" },
        { SPAN_INIT(LDAP "    tls: none\n    bind_dn: cn=a\n    password_file: /p\n"),
          "7:10 a password would go over the network in clear" },
        { SPAN_INIT(DEVICE "ssh-ed25519\n"), "9:15 a sort of key, a blank and the key should" },
        { SPAN_INIT(DEVICE "ssh-ed25519 AAAA us\n"), "9:15 a sort of key, a blank and the key" },
        { SPAN_INIT(DEVICE "ssh-ed25519 AA;A\n"), "9:15 a sort of key, a blank and the key" },
        { SPAN_INIT(LDAP "    tls: none\n"), "" },
        { SPAN_INIT(LDAP "    bind_dn: cn=a\n    password_file: /p\n"), "" },
        { SPAN_INIT(DEVICE "ssh-ed25519 AAAAC3+/=\n"), "" },
        { SPAN_INIT(TABLES "  backups: {files: []}\n"), "3:20 a list of items should stand here" },
        { SPAN_INIT(TABLES "  backups: {files: [{name: a, paths: b}]}\n"),
          "3:38 an absolute path should stand here, not \"b\"" },
        { SPAN_INIT(TABLES "  backups: {files: [{paths: /b}]}\n"), "3:21 the item has no name" },
        { SPAN_INIT(TABLES "  backups:\n    files:\n      - {name: a, paths: /b}\n"
                           "      - {name: a, paths: /c}\n"),
          "6:9 \"a\" is there twice, first in line 5" },
};

static void test_faults(void **state)
{
        told_check_faults(&job, faults, ARRAY_LEN(faults));
}

static const char whole[] = TABLES
        "  users: {every: 10m}\n  groups:\n    off: true\n  backups:\n    files:\n"
        "      - {name: nightly, paths: [/a, /b/*], max_age: 26h}\n"
        "targets:\n  - {table: ldap, uri: \"ldapi://u\", base: b, attributes: [x, y], timeout: 5s, "
        "name: corp}\n";
static const char whole_told[] =
        "{\"every\":600,\"fact\":\"table\",\"line\":3,\"off\":false,\"table\":\"users\"}\n"
        "{\"every\":0,\"fact\":\"table\",\"line\":4,\"off\":true,\"table\":\"groups\"}\n"
        "{\"every\":0,\"fact\":\"table\",\"line\":6,\"off\":false,\"table\":\"backups\"}\n"
        "{\"fact\":\"files\",\"line\":8,\"max_age\":93600,\"name\":\"nightly\","
        "\"paths\":[\"/a\",\"/b/*\"],\"table\":\"backups\"}\n"
        "{\"every\":0,\"fact\":\"target\",\"line\":10,\"name\":\"corp\",\"settings\":"
        "[[\"uri\",\"ldapi://u\"],[\"base\",\"b\"],[\"attributes\",\"x\"],[\"attributes\",\"y\"]],"
        "\"table\":\"ldap\",\"timeout\":5}\n";

static void test_whole(void **state)
{
        told_check_whole(&job, SPAN(whole), whole_told);
        /* The one that ships says nothing besides what is so without it. */
        told_check_whole(&job, state_file_shipped(), "");
}

static void test_out_of_memory(void **state)
{
        told_check_memory(&job, SPAN(whole), whole_told);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
