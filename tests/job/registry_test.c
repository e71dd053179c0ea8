/* SPDX-License-Identifier: Apache-2.0 */
/* What the job says of a registry.yaml: facts, or faults as "line:column text". */
#include "job/faults.h"
#include "wire/registry_fact.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"
#include "yaml_told.h"

static void check_fact(struct span json)
{
        struct registry_fact f;
        struct err err = { 0 };

        if (registry_fact_parse(json, &f, &err) < 0)
                fail_msg("%.*s: %s", (int)json.n, (const char *)json.p, err_text(&err));
}

static const struct told_job job = { job_registry, check_fact };

/* The ids of these keys were computed with Python's hashlib. */
#define CI   "ci+d3673afd+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define ZOE  "zoe+c72c0fcd+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" /* CI's key */
#define ANNA "anna+835c5630+AQICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
#define BERT "bert+a0d09ac4+AQMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"

#define KEYS                                                                                       \
        "version: 1\nbuilders: [{name: ci, vkey: " CI "}]\napprovers: [{name: anna, vkey: " ANNA   \
        "}]\nauthors: {b@x: bert}\n"
/* Begins in line 5. */
#define REPOSITORY                                                                                 \
        KEYS "repositories:\n  s:\n    path: /srv/s.git\n    protected: refs/heads/main\n"         \
             "    signers: /etc/s\n"
/* What is added begins in line 10. */

static void whole(void **state)
{
        told_check_whole(
                &job,
                SPAN("# services\nversion: 1\nrepositories:\n  services:\n"
                     "    path: /srv/git/services.git\n"
                     "    protected: [refs/heads/main, refs/heads/release]\n"
                     "    signers: /etc/assay/api.signers\n    keyrings: [/etc/a.gpg, /etc/b.gpg]\n"
                     "    apis: {accounts: services/accounts, top: .}\n"
                     "builders:\n  - {name: the build server, vkey: " CI "}\n"
                     "approvers:\n  - name: anna\n    vkey: " ANNA "\n"
                     "authors:\n  bert@example.org: bert\n  SHA256:x: bert\n"),
                "{\"fact\":\"repository\",\"name\":\"services\",\"value\":\"/srv/git/services.git\"}\n"
                "{\"fact\":\"protected\",\"name\":\"services\",\"value\":\"refs/heads/main\"}\n"
                "{\"fact\":\"protected\",\"name\":\"services\",\"value\":\"refs/heads/release\"}\n"
                "{\"fact\":\"signers\",\"name\":\"services\",\"value\":\"/etc/assay/api.signers\"}\n"
                "{\"fact\":\"keyring\",\"name\":\"services\",\"value\":\"/etc/a.gpg\"}\n"
                "{\"fact\":\"keyring\",\"name\":\"services\",\"value\":\"/etc/b.gpg\"}\n"
                "{\"fact\":\"api\",\"name\":\"services\",\"of\":\"accounts\",\"value\":"
                "\"services/accounts\"}\n"
                "{\"fact\":\"api\",\"name\":\"services\",\"of\":\"top\",\"value\":\"\"}\n"
                "{\"fact\":\"builder\",\"name\":\"the build server\",\"value\":\"" CI "\"}\n"
                "{\"fact\":\"approver\",\"name\":\"anna\",\"value\":\"" ANNA "\"}\n"
                "{\"fact\":\"author\",\"name\":\"bert\",\"value\":\"bert@example.org\"}\n"
                "{\"fact\":\"author\",\"name\":\"bert\",\"value\":\"SHA256:x\"}\n");
}

#define N65 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct told_fault faults[] = {
        { SPAN_INIT(""), "1:1 the keys version, repositories, builders, approvers and authors" },
        { SPAN_INIT("- a\n"), "1:1 the keys version, repositories" },
        { SPAN_INIT(KEYS), "1:1 the registry has no repositories" },
        { SPAN_INIT("version: 1\n"),
          "1:1 the registry has no repositories\n1:1 the registry has no builders\n"
          "1:1 the registry has no approvers\n1:1 the registry has no authors" },
        { SPAN_INIT(REPOSITORY "    apis: {a: a}\nmore: 1\n"), "11:1 unknown key \"more\"" },
        { SPAN_INIT(KEYS "repositories: [a]\n"), "5:15 repositories should stand here" },
        { SPAN_INIT(KEYS "repositories:\n"), "5:1 repositories should stand here" },
        { SPAN_INIT(KEYS "repositories: {S: {}}\n"), "5:16 \"S\" is no name of a repository" },
        { SPAN_INIT(KEYS "repositories: {../x: {}}\n"), "5:16 \"../x\" is no name" },
        { SPAN_INIT(KEYS "repositories: {" N65 ": {}}\n"), "5:16 \"aaa" },
        { SPAN_INIT(KEYS "repositories: {s: x}\n"), "5:19 the keys path, protected and apis" },
        { SPAN_INIT(KEYS "repositories: {s: {path: /s, protected: refs/heads/m, apis: {a: a}}}\n"),
          "5:16 the repository has neither signers nor keyrings" },
        { SPAN_INIT(KEYS "repositories: {s: {signers: /s}}\n"),
          "5:16 the repository has no path\n5:16 the repository has no protected\n"
          "5:16 the repository has no apis" },
        { SPAN_INIT(KEYS "repositories: {s: {path: s.git, protected: refs/heads/m, apis: {a: a}, "
                         "signers: /s}}\n"),
          "5:26 an absolute path should stand here, not \"s.git\"" },
        { SPAN_INIT(KEYS "repositories: {s: {path: /s, protected: main, apis: {a: a}, "
                         "signers: /s}}\n"),
          "5:41 a branch's full name, as refs/heads/main, should stand here, not \"main\"" },
        { SPAN_INIT(KEYS "repositories: {s: {path: /s, protected: [refs/../x], apis: {a: a}, "
                         "signers: /s}}\n"),
          "5:42 a branch's full name" },
        { SPAN_INIT(KEYS "repositories: {s: {path: /s, protected: [], apis: {a: a}, "
                         "signers: /s}}\n"),
          "5:41 a list of branches should stand here" },
        { SPAN_INIT(KEYS "repositories: {s: {path: /s, protected: [refs/1, refs/2, refs/3, refs/4, "
                         "refs/5, refs/6, refs/7, refs/8, refs/9], apis: {a: a}, signers: /s}}\n"),
          "5:106 more than 8 branches" },
        { SPAN_INIT(REPOSITORY "    apis: [a]\n"), "10:11 APIs with their directories" },
        { SPAN_INIT(REPOSITORY "    apis: {A: a}\n"), "10:12 \"A\" is no name of an API" },
        { SPAN_INIT(REPOSITORY "    apis: {a: a, a: b}\n"), "10:18 a is there twice, first in l" },
        { SPAN_INIT(REPOSITORY "    apis: {a: ../a}\n"),
          "10:15 a directory of the repository, as" },
        { SPAN_INIT(REPOSITORY "    apis: {a: /a}\n"), "10:15 a directory of the repository, as" },
        { SPAN_INIT(REPOSITORY "    apis: {a: a/}\n"), "10:15 a directory of the repository, as" },
        { SPAN_INIT(REPOSITORY "    apis: {a: [a]}\n"),
          "10:15 a directory of the repository should" },
        { SPAN_INIT(REPOSITORY "    apis: {a: a}\n  t:\n    path: /t\n    protected: refs/m\n"
                               "    keyrings: /k\n    apis: {a: b}\n"),
          "15:12 the API a is in two repositories, first in line 10" },
        { SPAN_INIT(REPOSITORY "    apis: {a: a}\nbuilders: []\n"),
          "11:1 key \"builders\" is there twice" },
        /* keys and people */
        { SPAN_INIT("builders: {name: ci}\n"), "1:1 the registry has no version\n1:1 the registry "
                                               "has no repositories\n1:1 the registry has no "
                                               "approvers\n1:1 the registry has no authors\n"
                                               "1:11 a list of builders, each with name and vkey" },
        { SPAN_INIT("approvers: [anna, {name: a}, {name: b, vkey: x, more: y}, "
                    "{name: ' b', vkey: " BERT "}]\n"),
          "1:1 the registry has no version\n1:1 the registry has no repositories\n"
          "1:1 the registry has no builders\n1:1 the registry has no authors\n"
          "1:13 the keys name and vkey\n1:19 the key has no vkey\n"
          "1:46 a verifier key, as assay change key prints it, should stand here, not \"x\"\n"
          "1:49 unknown key \"more\": there are name, vkey\n1:67 a name is 1 to 64 bytes" },
        { SPAN_INIT(REPOSITORY "    apis: {a: a}\n  x: {}\n"),
          "11:3 the repository has no path\n11:3 the repository has no protected\n"
          "11:3 the repository has no apis\n11:3 the repository has neither" },
        { SPAN_INIT("version: 1\nbuilders: [{name: ci, vkey: " CI "}]\n"
                    "approvers: [{name: ci2, vkey: " CI "}]\nauthors: [x]\nrepositories: {}\n"),
          "3:31 this key is there twice, first in line 2: whose is it?\n"
          "4:10 signers of commits with the names\n5:15 repositories should stand here" },
        { SPAN_INIT("version: 1\nbuilders: [{name: ci, vkey: " CI "}]\n"
                    "approvers: [{name: zoe, vkey: " ZOE "}]\nauthors: {a: bert}\n"),
          "1:1 the registry has no repositories\n"
          "3:31 this key is there twice, first in line 2: whose is it?\n" },
        /* one person under names that differ in case only */
        { SPAN_INIT("version: 1\nbuilders: [{name: ci, vkey: " CI "}]\n"
                    "approvers: [{name: Bert, vkey: " ANNA "}]\nauthors: {a: bert, b: CI}\n"),
          "1:1 the registry has no repositories\n"
          "4:14 \"bert\" is \"Bert\" in line 3: one person has one name, spelled the same "
          "everywhere, and two people have names that differ by more\n"
          "4:23 \"CI\" is \"ci\" in line 2: one person has one name" },
        { SPAN_INIT("version: 1\nbuilders: [{name: ci, vkey: ci+d3673afe+AQEBAQEBAQEBAQEBAQEBAQEBA"
                    "QEBAQEBAQEBAQEBAQEB}]\n"),
          "1:1 the registry has no repositories\n1:1 the registry has no approvers\n"
          "1:1 the registry has no authors\n2:29 a verifier key" },
};

static void tells_faults(void **state)
{
        told_check_faults(&job, faults, ARRAY_LEN(faults));
}

static void out_of_memory(void **state)
{
        told_check_memory(&job, SPAN(REPOSITORY "    apis: {a: a}\n"),
                          "{\"fact\":\"builder\",\"name\":\"ci\",\"value\":\"" CI "\"}\n"
                          "{\"fact\":\"approver\",\"name\":\"anna\",\"value\":\"" ANNA "\"}\n"
                          "{\"fact\":\"author\",\"name\":\"bert\",\"value\":\"b@x\"}\n"
                          "{\"fact\":\"repository\",\"name\":\"s\",\"value\":\"/srv/s.git\"}\n"
                          "{\"fact\":\"protected\",\"name\":\"s\",\"value\":\"refs/heads/main\"}\n"
                          "{\"fact\":\"signers\",\"name\":\"s\",\"value\":\"/etc/s\"}\n"
                          "{\"fact\":\"api\",\"name\":\"s\",\"of\":\"a\",\"value\":\"a\"}\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(whole),
                cmocka_unit_test(tells_faults),
                cmocka_unit_test(out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
