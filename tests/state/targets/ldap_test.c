/* SPDX-License-Identifier: Apache-2.0 */
/* LDIF of RFC 2849, its examples among it; a real slapd is
 * tests/system/state/test_state_targets.py. */
#include "state/tables.h"
#include "target_tool.h"

#define ANSWER(text)                                                                               \
        {                                                                                          \
                PART("state.yaml", "base\tdc=x\n"), PART("ldapsearch", text)                       \
        }

static const struct table_case cases[] = {
        { "an entry",
          ANSWER("dn: uid=eve,dc=x\nobjectClass: top\nobjectClass: person\ncn: Eve\n"
                 "modifyTimestamp: 20261126050607Z\nmodifiersName: cn=admin,dc=x\n"
                 "memberOf: cn=b,dc=x\nmemberOf: cn=a,dc=x\n\n"),
          "{\"attributes\":[\"cn=Eve\"],\"classes\":[\"person\",\"top\"],\"dn\":\"uid=eve,dc=x\","
          "\"member\":\"\",\"member_of\":[\"cn=a,dc=x\",\"cn=b,dc=x\"],"
          "\"modified\":\"2026-11-26T05:06:07.000000000Z\",\"modified_by\":\"cn=admin,dc=x\"}\n",
          NULL },
        { "a group and its members, without an empty line at the end",
          ANSWER("dn: cn=g,dc=x\ncn: g\nmember: uid=a,dc=x\nMEMBER: uid=b,dc=x\nmemberUid: c\n"),
          "{\"attributes\":[\"cn=g\"],\"dn\":\"cn=g,dc=x\",\"member\":\"\"}\n"
          "{\"dn\":\"cn=g,dc=x\",\"member\":\"uid=a,dc=x\"}\n"
          "{\"dn\":\"cn=g,dc=x\",\"member\":\"uid=b,dc=x\"}\n"
          "{\"dn\":\"cn=g,dc=x\",\"member\":\"c\"}\n",
          NULL },
        /* RFC 2849, examples 2 and 3: a folded line, and base64 of "What a careful reader..." */
        { "folded and base64",
          ANSWER("# a comment\ndn:cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com\n"
                 "title:Product Manager, Rod and Reel Divis\n ion\ndescription:: V2hhdA==\n\n"),
          "{\"attributes\":[\"description=What\",\"title=Product Manager, Rod and Reel Division\"],"
          "\"dn\":\"cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com\","
          "\"member\":\"\"}\n",
          NULL },
        { "secrets",
          ANSWER("dn: x=y\nuserPassword:: e1NTSEF9Zm9v\nuserpassword;x-a: plain\n"
                 "sambaNTPassword: 0123\nmyTokenSeed: 1\nolcRootPW: {SSHA}abc\n\n"),
          "{\"attributes\":[\"myTokenSeed=(set)\",\"olcRootPW={SSHA}\",\"sambaNTPassword=(set)\","
          "\"userPassword={SSHA}\",\"userpassword=(set)\"],\"dn\":\"x=y\",\"member\":\"\"}\n",
          NULL },
        /* SHA-256 of the byte 1 */
        { "what is no text", ANSWER("dn: x=y\njpegPhoto:: AQ==\nlastLogon: 7\n\n"),
          "{\"attributes\":[\"jpegPhoto=sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cc"
          "e23c7785459a, 1 bytes\"],\"dn\":\"x=y\",\"member\":\"\"}\n",
          NULL },
        { "two entries, with CR LF", ANSWER("dn: a=1\r\ncn: x\r\n\ndn: a=2\ncn:\n\n"),
          "{\"attributes\":[\"cn=x\"],\"dn\":\"a=1\",\"member\":\"\"}\n"
          "{\"attributes\":[\"cn=\"],\"dn\":\"a=2\",\"member\":\"\"}\n",
          NULL },
};

#define BAD(status_, errors_)                                                                      \
        {                                                                                          \
                { .name = "ldapsearch", .bytes = "dn: a=1\n\n", .status = (status_) },             \
                {                                                                                  \
                        .name = "errors", .bytes = (errors_)                                       \
                }                                                                                  \
        }

static const struct failing_case failing[] = {
        { "no program", { { .name = "ldapsearch", .status = ENOENT } }, "is not there" },
        { "slow", { { .name = "ldapsearch", .status = ETIMEDOUT } }, "in time" },
        { "credentials", BAD(256 + 49, "ldap_bind: Invalid credentials (49)"), "credentials" },
        { "limit", BAD(256 + 4, "Size limit exceeded (4)\n"), "limit of entries" },
        { "down", BAD(256 + 255, "x: Can't contact LDAP server (-1)"), "cannot be reached" },
        { "unknown", BAD(256 + 80, "\033[2J evil words"), "ended with status 80" },
        { "killed", BAD(256 + 256 + 9, ""), "ended with" },
        { "nothing", ANSWER(""), "no entry" },
        { "no dn", ANSWER("cn: x\n\n"), "line 1: no LDIF" },
        { "no colon", ANSWER("dn: a=1\n\ndn: a=2\nrubbish\n\n"), "line 4: no LDIF" },
        { "bad base64", ANSWER("dn:: !!\n\n"), "line 1: no LDIF" },
};

static void test_read(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_ldap, cases);
}

static void test_fails(void **state)
{
        (void)state;
        TARGET_FAILS_ALL(&state_ldap, failing);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_read),
                                            cmocka_unit_test(test_fails) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
