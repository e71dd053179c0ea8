/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made by ssh-keygen, fingerprints and bits as `ssh-keygen -l` tells them. */
#include "../table_tool.h"
#include "state/tables.h"

#define RSA                                                                                        \
        "AAAAB3NzaC1yc2EAAAADAQABAAABAQDgn/xaABgEfo6ufxtjy6eHTim4mbPuRuI3mJLL1BEAKE+ioTCI+HC4LF/"  \
        "b4lWylf1Ua8WLnU6787NcfsqMfRVG1olV+C5Qz6XWBtWIB2aYQFpvunU7QXmZtjj+KLnu2z+"                 \
        "+aMYLdFWHZMsuQo9u6RI9pk7jMiNEJSH6Lwodqy5DHOnMpJhMv+3fbqxvCUhsjxf4uV2Fd34SQ4bIsj2p/"       \
        "31F21T8JpbOlGoW4JubeZIW0QxHgXvRTB21IwvqaB7e9Mw2r0ixU9wU0vd3ciq3wTMdjsySLVXHKPeP19tqBcbO"  \
        "cEyLvrd3N5VdrzIJawEFJxSzyu3IPFiD1iVA+LS02s2r"
#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIB46JEI0Lo0YnmkCGYs0KtEfL1T2GwcRtjTGM/rXXW3I"
#define ECDSA                                                                                      \
        "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAE+mTYcei6w1krven69GV8j3Q/r/"        \
        "E8+8RXzloB/Gyy/a/"                                                                        \
        "wLDLMJlEyWtjqjL2TNgpip4ckZFcOruauFBSfQLRDipwGI39K3pdFHnplOgEox0eUxp02HxD3p295bPuyzq1Fbpx" \
        "oIojk7PNoqvrb6u0WFhFnSVEg2ULq57rEBQGYZ0EqN+Q=="

#define ROW_END(file, print, line, options, type, user)                                            \
        "\"file\":\"" file                                                                         \
        "\",\"file_mode\":\"0644\",\"file_uid\":0,\"fingerprint\":\"SHA256:" print                 \
        "\",\"line\":" line options ",\"type\":\"" type "\",\"user\":\"" user "\"}\n"
#define ED25519_ROW(file, line, options, user)                                                     \
        "{\"bits\":256,\"comment\":\"\"," ROW_END(file,                                            \
                                                  "V+q0jZlX8ZG9p5RZygQvbBr7SjsVmzvsBnkr7TiBVoI",   \
                                                  line, options, "ssh-ed25519", user)

#define PASSWD PART("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1:1::/home/ann/:/bin/sh\n")
#define ANN    "/home/ann/.ssh/authorized_keys"

static const struct table_case cases[] = {
        { .name = "one of each type",
          .part = { PASSWD, PART(ANN, "ssh-rsa " RSA " rsa key\n"
                                      "\t ssh-ed25519 " ED25519 "\r\n"
                                      "\n# x\n"
                                      "ecdsa-sha2-nistp521 " ECDSA " ecdsa key") },
          .rows = "{\"bits\":2048,\"comment\":\"rsa key\"," ROW_END(
                  ANN, "LaeqDhHMR74RxTqjRrIW1nIo9dPggKwp94FmdrjNX+4", "1", "", "ssh-rsa", "ann")
                  ED25519_ROW(ANN, "2", "", "ann") "{\"bits\":521,\"comment\":\"ecdsa key\"," ROW_END(
                          ANN, "WrYlRMGb2fWe/BlKsXzSQThXGI27pWyfyMteD7fkDuI", "5", "",
                          "ecdsa-sha2-nistp521", "ann") },
        { .name = "options: quotes with commas, blanks and quotes in them, values left out",
          .part = { PASSWD,
                    PART(ANN, "restrict,command=\"echo \\\"a, b\\\"\",from=\"10.0.0.0/8,::1\","
                              "environment=\"X=geheim\" ssh-ed25519 " ED25519 "\n"
                              "command=\"x --token geheim\" ssh-ed25519 " ED25519 "\n") },
          .rows = ED25519_ROW(ANN, "1",
                              ",\"options\":[\"restrict\",\"command=\\\"echo \\\\\\\"a, "
                              "b\\\\\\\"\\\"\",\"from=\\\"10.0.0.0/8,::1\\\"\","
                              "\"environment=\\\"X=***\\\"\"]",
                              "ann")
                  ED25519_ROW(ANN, "2", ",\"options\":[\"command=\\\"x --token ***\"]", "ann") },
        { .name = "whose a file is: several of one home, one that passwd does not know, /etc/ssh",
          .part = { PART("/etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"
                                        "zed:x:1:1::/rooted:/bin/sh\n"),
                    PART("/root/.ssh/authorized_keys2", "ssh-ed25519 " ED25519),
                    PART("/home/bob/.ssh/authorized_keys", "ssh-ed25519 " ED25519),
                    PART("/etc/ssh/authorized_keys/eve", "ssh-ed25519 " ED25519) },
          .rows = ED25519_ROW("/root/.ssh/authorized_keys2", "1", "", "root")
                  ED25519_ROW("/root/.ssh/authorized_keys2", "1", "", "toor")
                          ED25519_ROW("/home/bob/.ssh/authorized_keys", "1", "", "bob")
                                  ED25519_ROW("/etc/ssh/authorized_keys/eve", "1", "", "eve") },
        /* each of these opens the account, and ssh-keygen -l tells it */
        { .name = "keys by no manual: a NUL behind one, other space within, what RSA signs with",
          .part = { PASSWD,
                    { .name = ANN,
                      .bytes = "ssh-ed25519 " ED25519 "\0 x\n"
                               "ssh-ed25519 AAAAC3\r\v\fNzaC1lZDI1NTE5AAAAIB46JEI0Lo0YnmkCGYs0Kt"
                               "EfL1T2GwcRtjTGM/rXXW3I\n"
                               "no-pty rsa-sha2-512 " RSA " x\n",
                      .n = sizeof "ssh-ed25519 " + sizeof ED25519 + sizeof "\0 x\n" +
                           sizeof "ssh-ed25519 " + sizeof ED25519 + sizeof "\r\v\f\n" +
                           sizeof "no-pty rsa-sha2-512 " + sizeof RSA + sizeof " x\n" - 9 } },
          .rows = ED25519_ROW(ANN, "1", "", "ann")
                  ED25519_ROW(ANN, "2", "", "ann") "{\"bits\":2048,\"comment\":\"x\"," ROW_END(
                          ANN,
                          "LaeqDhHMR74RxTqjRrIW1nIo9dPg"
                          "gKwp94FmdrjNX+4",
                          "3", ",\"options\":[\"no-pty\"]", "rsa-sha2-512", "ann") },
        { .name = "and what looks like one: sshd takes none of these",
          .part = { PASSWD, PART(ANN, "ssh-ed25519\r" ED25519 "\nrsa-sha2-512 " ED25519 "\n"
                                      "rsa-sha2-513 " RSA "\nno-pty\rssh-ed25519 " ED25519 "\n") },
          .rows = "",
          .faults = ANN ":1: no key\n" ANN ":2: a key of another type than it says\n" ANN
                        ":3: no key\n" ANN ":4: no key\n" },
        { .name = "homes by no manual: the root, without a slash, within another's .ssh",
          .part = { PART("/etc/passwd", "top:x:0:0\nrel:x:1:1::opt/rel:/bin/sh\n"
                                        "in:x:2:2::/root/.ssh/in\n"),
                    PART("/.ssh/authorized_keys", "ssh-ed25519 " ED25519),
                    PART("/opt/rel/.ssh/authorized_keys", "ssh-ed25519 " ED25519),
                    PART("/root/.ssh/in/.ssh/authorized_keys", "ssh-ed25519 " ED25519) },
          .rows = ED25519_ROW("/.ssh/authorized_keys", "1", "", "top")
                  ED25519_ROW("/opt/rel/.ssh/authorized_keys", "1", "", "rel")
                          ED25519_ROW("/root/.ssh/in/.ssh/authorized_keys", "1", "", "in") },
        { .name = "lines that are none",
          .part = { PASSWD, PART(ANN, "hello\n"
                                      "ssh-ed25519\n"
                                      "ssh-ed25519 not-base64\n"
                                      "ssh-rsa " ED25519 "\n"
                                      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n"
                                      "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB\n"
                                      "ssh-ed25519-cert-v01@openssh.com " ED25519 "\n"
                                      "command=\"open ssh-ed25519 " ED25519 "\n"
                                      "ssh-ed25519 AAAA/////w==\n") },
          .rows = "",
          .faults = ANN ":1: no key\n" ANN ":2: no key\n" ANN ":3: a key that is no base64\n" ANN
                        ":4: a key of another type than it says\n" ANN
                        ":5: a key that is none of its type\n" ANN
                        ":6: a key that is none of its type\n" ANN
                        ":7: a certificate, which opens nothing from here\n" ANN ":8: no key\n" ANN
                        ":9: a key of another type than it says\n" },
        { .name = "a file nobody may read, and no file of accounts",
          .part = { { .name = "/etc/passwd", .status = ENOENT },
                    { .name = ANN, .status = EACCES } },
          .rows = "",
          .faults = "/etc/passwd:0: No such file or directory\n" ANN ":0: Permission denied\n" },
        { .name = "one that cannot be read blinds nobody for the others",
          .part = { PASSWD,
                    { .name = ANN, .status = ELOOP },
                    PART("/root/.ssh/authorized_keys", "ssh-ed25519 " ED25519) },
          .rows = ED25519_ROW("/root/.ssh/authorized_keys", "1", "", "root"),
          .faults = ANN ":0: Too many levels of symbolic links\n" },
        { .name = "one that is too long is read as far as it is read",
          .part = { PASSWD, { .name = ANN, .bytes = "ssh-ed25519 " ED25519 "\n", .size = 262145 } },
          .rows = ED25519_ROW(ANN, "1", "", "ann"),
          .faults = ANN ":0: longer than the 262144 bytes that are read of it\n" },
};

static void test_authorized_keys(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_authorized_keys, cases);
}

/* Nobody's file makes the table useless for the others'. */
static void test_sees(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_true(table_sees(&state_authorized_keys, cases[i].part) !=
                            (strcmp(cases[i].name,
                                    "a file nobody may read, and no file of accounts") == 0));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_authorized_keys),
                                            cmocka_unit_test(test_sees) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
