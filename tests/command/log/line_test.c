/* SPDX-License-Identifier: Apache-2.0 */
/* Lines from literal entry bytes; the digests and disclosures were made with Python's hashlib. */
#include "command/log/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define A64 "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111"
#define B64 "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0"
#define T   "\"t\":\"2026-11-25T18:00:00.123456789Z\",\"v\":1"
#define AT  "2026-11-25 19:00:00  "

struct sample {
        const char *entry;
        const char *disclosures; /* one a line; may be NULL */
        const char *want;
};

static void put_line(const struct sample *t, const struct screen *s, struct buf *out)
{
        const char *one = t->disclosures;
        struct err err = { 0 };
        struct view v;

        view_init(&v);
        if (view_open(&v, 7, span_str(t->entry), &err) < 0)
                fail_msg("%s: %s", t->entry, err_text(&err));
        for (size_t n; one && *one; one += n + (one[n] != 0)) {
                n = strcspn(one, "\n");
                if (view_take(&v, span_of(one, n), &err) < 0)
                        fail_msg("%s: %s", t->entry, err_text(&err));
        }
        line_put(s, &v, out);
        view_done(&v);
}

static void check(const struct sample *t, size_t n, const struct screen *s)
{
        for (size_t i = 0; i < n; i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(65536);

                put_line(&t[i], s, &out);
                assert_string_equal(buf_cstr(&out), t[i].want);
        }
}

static void tells_changes(void **state)
{
        static const struct sample t[] = {
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"modified\",\"new_mode\":\"0644\","
                  "\"new_sha256\":\"" B64
                  "\",\"new_size\":245,\"old_mode\":\"0644\",\"old_sha256\":\"" A64
                  "\",\"old_size\":220,\"path\":\"/etc/hosts\",\"seen\":\"live\"},\"who\":{\"auid\":1000,"
                  "\"exe\":\"/usr/bin/vim.basic\",\"pid\":1234,\"uid\":0},\"why\":{\"state\":"
                  "\"unexplained\"}}",
                  NULL,
                  AT
                  "modified    /etc/hosts  sha256 aaaaaaaa…→9f8e7d6c…  size 220→245  by (uid 0, logged "
                  "in as uid 1000) vim.basic[1234]  unexplained\n" },
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"created\",\"new_mode\":\"0600\","
                  "\"new_sha256\":\"" B64
                  "\",\"path_b64\":\"L2V0Yy//Cg==\",\"seen\":\"rescan\"},\"why\":{"
                  "\"state\":\"unexplained\"}}",
                  NULL,
                  AT
                  "created     /etc/\\xff\\x0a  sha256 9f8e7d6c…  (found by a rescan)  unexplained\n" },
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"deleted\",\"old_sha256\":\"" A64
                  "\",\"path\":\"/etc/motd\",\"seen\":\"start\"},\"who\":{\"unknown\":\"sensor was down\"},"
                  "\"why\":{\"state\":\"unexplained\"}}",
                  NULL,
                  AT
                  "deleted     /etc/motd  sha256 aaaaaaaa… before  author not known: sensor was down  "
                  "(made while the sensor was down)  unexplained\n" },
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"renamed\",\"from\":\"/etc/a\","
                  "\"path\":\"/etc/b\",\"seen\":\"live\"},\"why\":{\"package\":\"base-files 12.4\","
                  "\"state\":\"package\"}}",
                  NULL, AT "renamed     /etc/a → /etc/b  package base-files 12.4\n" },
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"renamed\",\"from\":\"/etc/a\",\"mode\":\"alert\","
                  "\"path\":\"/etc/b\",\"profile\":\"accounts\",\"seen\":\"live\"},\"why\":{"
                  "\"state\":\"unexplained\"}}",
                  NULL, AT "renamed     /etc/a → /etc/b  unexplained  in accounts (alert)\n" },
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"attributes\",\"new_flags\":["
                  "\"immutable\"],\"new_mode\":\"0640\",\"new_uid\":0,\"old_flags\":[],\"old_mode\":\"0644\","
                  "\"old_uid\":1000,\"path\":\"/etc/x\\u001b[2J\",\"seen\":\"live\"},\"why\":{\"state\":"
                  "\"volatile\"}}",
                  NULL,
                  AT
                  "attributes  /etc/x\\x1b[2J  mode 0644→0640  owner 1000→0  flags none→immutable  "
                  "volatile\n" },
                /* What was not there, what cannot be known, and which attribute it is. */
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"attributes\",\"differs\":[\"xattrs\",\"acl\",\"caps\","
                  "\"label\"],\"new_acl\":\"user::rw-,user:1000:rw-\",\"new_label\":\"a:b\","
                  "\"new_xattrs\":[[\"user.a\",\"" A64 "\"],[\"user.b\",\"" A64 "\"]],"
                  "\"old_caps\":\"cap_net_raw=ep\",\"old_unknown\":[[\"label\",\"unreadable\"]],"
                  "\"path\":\"/etc/x\",\"seen\":\"deep\"},\"why\":{\"state\":\"unexplained\"}}",
                  NULL,
                  AT
                  "attributes  /etc/x  acl none→user::rw-,user:1000:rw-  capabilities "
                  "cap_net_raw=ep→none  label unreadable→a:b  xattrs user.a added, user.b added  "
                  "(found by the background scan: no event told of it)  unexplained\n" },
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"created\",\"new_caps\":\"=ep\",\"new_sha256\":\"" B64
                  "\",\"new_xattrs\":[[\"user.a\",\"" A64
                  "\"]],\"path\":\"/bin/x\",\"seen\":\"live\"},\"why\":{\"state\":\"unexplained\"}}",
                  NULL,
                  AT "created     /bin/x  sha256 9f8e7d6c…  capabilities =ep  xattrs user.a  "
                     "unexplained\n" },
        };
        struct screen s = { .terminal = true, .width = 250 };

        check(t, ARRAY_LEN(t), &s);
}

/* Both states of /etc/x; members ascend behind "differs". */
#define CHANGED(differs, states)                                                                   \
        "{\"k\":\"integrity.change\"," T                                                           \
        ",\"what\":{\"change\":\"attributes\",\"differs\":" differs "," states                     \
        ",\"path\":\"/etc/x\",\"seen\":\"live\"},\"why\":{\"state\":\"unexplained\"}}"

static void tells_small_changes(void **state)
{
        static const struct sample t[] = {
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"attributes\",\"differs\":[\"mtime\""
                  ",\"links\"],\"path\":\"/etc/x\",\"seen\":\"live\"},\"why\":{\"state\":\"unexplained\"}}",
                  NULL, AT "attributes  /etc/x  mtime, links differ  unexplained\n" },
                { CHANGED("[\"sha256\"]",
                          "\"new_hash_reason\":\"permission\","
                          "\"new_hash_status\":\"unreadable\",\"old_sha256\":\"" A64 "\""),
                  NULL,
                  AT
                  "attributes  /etc/x  sha256 aaaaaaaa…→not known  hash not known now: permission  "
                  "unexplained\n" },
                { CHANGED("[\"links\"]",
                          "\"new_inode\":7,\"new_links\":1,\"old_inode\":7,\"old_links\":2"),
                  NULL, AT "attributes  /etc/x  links 2→1  unexplained\n" },
                { CHANGED("[\"mtime\",\"inode\"]",
                          "\"new_inode\":8,\"new_mtime\":\"2026-11-25T17:00:05.000000000Z\","
                          "\"old_inode\":7,\"old_mtime\":\"2026-11-25T17:00:00.000000000Z\""),
                  NULL,
                  AT "attributes  /etc/x  mtime 2026-11-25 18:00:00→2026-11-25 18:00:05  "
                     "inode 7→8  unexplained\n" },
                { CHANGED("[\"mtime\"]", "\"new_mtime\":\"2026-11-25T17:00:00.000000002Z\","
                                         "\"old_mtime\":\"2026-11-25T17:00:00.000000001Z\""),
                  NULL,
                  AT "attributes  /etc/x  mtime 2026-11-25T17:00:00.000000001Z→"
                     "2026-11-25T17:00:00.000000002Z  unexplained\n" },
                { CHANGED("[\"acl\",\"caps\",\"label\",\"size\",\"mtime\"]",
                          "\"new_caps\":\"cap_net_raw=ep\","
                          "\"new_mtime\":\"2026-11-25T17:00:05.000000000Z\",\"new_size\":5,"
                          "\"new_unknown\":[[\"label\",\"unreadable\"]],"
                          "\"old_acl\":\"user::rw-\",\"old_label\":\"a_t\","
                          "\"old_mtime\":\"2026-11-25T17:00:00.000000000Z\",\"old_size\":4"),
                  NULL,
                  AT "attributes  /etc/x  size 4→5  acl user::rw-→none  capabilities "
                     "none→cap_net_raw=ep  label a_t→unreadable  unexplained\n" },
                { CHANGED("[\"xattrs\"]",
                          "\"new_xattrs\":[[\"user.a\",\"" A64 "\"],[\"user.c\\u001b\",\"" A64
                          "\"]],\"old_xattrs\":[[\"user.a\",\"" B64 "\"],[\"user.b\",\"" A64
                          "\"]]"),
                  NULL,
                  AT
                  "attributes  /etc/x  xattrs user.a changed, user.c\\x1b added, user.b removed  "
                  "unexplained\n" },
                { CHANGED("[\"xattrs\"]", "\"new_xattrs\":[[\"user.a\",\"" A64 "\"]]"), NULL,
                  AT "attributes  /etc/x  xattrs user.a added  unexplained\n" },
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"modified\",\"new_target_b64\":"
                  "\"/w==\",\"old_target\":\"a\",\"path\":\"/etc/l\",\"seen\":\"check\"},\"why\":{\"state\":"
                  "\"unexplained\"}}",
                  NULL,
                  AT "modified    /etc/l  target a→\\xff  (found by a check)  unexplained\n" },
        };
        struct screen s = { .terminal = true, .width = 250 };

        check(t, ARRAY_LEN(t), &s);
}

/* base64url(["MDEyMzQ1Njc4OWFiY2RlZg","who.user","alice"]) and its SHA-256. */
#define USER_DISCLOSURE "WyJNREV5TXpRMU5qYzRPV0ZpWTJSbFpnIiwid2hvLnVzZXIiLCJhbGljZSJd"
#define USER_DIGEST     "0et10Ojor_NPPWgulz_EmiA3a-_0FHKa36EoK1PJ4xQ"
#define OTHER_DIGEST    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void tells_sensitive_values(void **state)
{
        static const char sealed[] =
                "{\"_sd\":[\"" OTHER_DIGEST "\",\"" USER_DIGEST "\"],\"k\":\"integrity.change\"," T
                ",\"what\":{\"change\":\"created\",\"path\":\"/etc/x\",\"seen\":\"live\"},\"who\":{\"uid\":"
                "1000},\"why\":{\"state\":\"unexplained\"}}";
        static const struct sample t[] = {
                { sealed, NULL, AT "created     /etc/x  by ⟨sealed⟩ (uid 1000)  unexplained\n" },
                { sealed, USER_DISCLOSURE,
                  AT "created     /etc/x  by alice (uid 1000)  unexplained\n" },
        };
        struct screen s = { .terminal = true, .width = 250 };

        check(t, ARRAY_LEN(t), &s);
}

static void tells_others(void **state)
{
        static const struct sample t[] = {
                { "{\"k\":\"host.heartbeat\"," T
                  ",\"what\":{\"appended\":1234,\"batches\":3,\"interval_ns\":"
                  "900000000000,\"peers\":[],\"refused\":0,\"size\":99}}",
                  NULL, AT "alive       1,234 entries in 15 min, 0 refused\n" },
                { "{\"k\":\"ledger.opened\"," T
                  ",\"what\":{\"origin\":\"example.com/h\",\"size\":0,\"vkey\":"
                  "\"x\"}}",
                  NULL, AT "ledger      opened: example.com/h, 0 entries before this one\n" },
                { "{\"k\":\"integrity.gap\"," T
                  ",\"what\":{\"found\":2,\"from\":\"2026-11-25T17:00:00.0000000"
                  "00Z\",\"reason\":\"overflow\",\"until\":\"2026-11-25T17:00:01.000000000Z\"}}",
                  NULL,
                  AT
                  "gap         changes may have been missed (overflow) from 2026-11-25 18:00:00 to "
                  "2026-11-25 18:00:01, a rescan found 2\n" },
                { "{\"k\":\"api.deployed\"," T
                  ",\"what\":{\"api\":\"accounts\",\"change\":\"CHG-7\",\"commit\":"
                  "\"0123456789abcdef0123456789abcdef01234567\",\"generation\":12,"
                  "\"previous\":\"1.3.9\",\"repository\":\"services\",\"sha256\":\"" A64
                  "\",\"version\":\"1.4.0\"},\"who\":{\"pid\":7,\"uid\":0}}",
                  NULL,
                  AT
                  "deployed    accounts 1.3.9 → 1.4.0, generation 12, for CHG-7, commit 01234567… of "
                  "services, sha256 aaaaaaaa…  by (uid 0) pid 7\n" },
                { "{\"k\":\"api.keys\"," T
                  ",\"what\":{\"issuer\":\"https://id.example.org\",\"keys\":2,\"left_out\":1,"
                  "\"sha256\":\"" A64 "\",\"state\":\"changed\",\"url\":\"https://i/k\"}}",
                  NULL,
                  AT "keys        of https://id.example.org: changed, 2 in use, 1 left out, sha256 "
                     "aaaaaaaa…\n" },
                { "{\"k\":\"api.keys\"," T
                  ",\"what\":{\"detail\":\"status 404\",\"issuer\":\"i\",\"keys\":0,\"since\":"
                  "\"2026-11-25T17:00:00.000000000Z\",\"state\":\"failing\",\"url\":\"u\"}}",
                  NULL,
                  AT
                  "keys        of i: failing, 0 in use; status 404, since 2026-11-25 18:00:00\n" },
                { "{\"k\":\"api.refused\"," T
                  ",\"what\":{\"act\":\"push\",\"api\":\"accounts\",\"detail\":\"a source is not "
                  "the commit's\",\"path_b64\":\"/w==\",\"reason\":\"source\"}}",
                  NULL, AT "REFUSED     push of accounts: a source is not the commit's (\\xff)\n" },
                { "{\"k\":\"api.rolled_back\"," T
                  ",\"what\":{\"api\":\"accounts\",\"approved_in\":11,\"generation\":13,"
                  "\"previous\":\"1.4.0\",\"reason\":\"slow\",\"sha256\":\"" B64
                  "\",\"version\":\"1.3.9\"}}",
                  NULL,
                  AT
                  "rollback    accounts 1.4.0 → 1.3.9, generation 13, approved in generation 11, "
                  "sha256 9f8e7d6c…: slow\n" },
                { "{\"k\":\"host.clock\"," T
                  ",\"what\":{\"after\":\"2026-11-25T17:00:00.000000000Z\","
                  "\"before\":\"2026-11-25T17:00:05.000000000Z\",\"jump_ns\":-5000000000}}",
                  NULL,
                  AT "clock       jumped by -5 s: expected 2026-11-25 18:00:05, became 2026-11-25 "
                     "18:00:00\n" },
                { "{\"k\":\"new.kind\"," T ",\"what\":{\"a\":1,\"b\":\"two\\u001b\"}}", NULL,
                  AT "new.kind    a=1 b=\"two\\\\u001b\"\n" },
                { "{\"a\":1}", NULL, "            no time  #7          {\"a\":1}\n" },
                { "{\"k\":\"ledger.stopped\"," T "}", NULL,
                  AT "ledger      closed: ?, ? entries before this one\n" },
        };
        struct screen s = { .terminal = true, .width = 250 };

        check(t, ARRAY_LEN(t), &s);
}

static void cuts_nothing_in_a_pipe(void **state)
{
        static const struct sample t[] = {
                { "{\"k\":\"integrity.change\"," T
                  ",\"what\":{\"change\":\"created\",\"new_sha256\":\"" B64
                  "\",\"path\":\"/etc/x\",\"seen\":\"live\"},\"why\":{\"state\":\"unexplained\"}}",
                  NULL,
                  "2026-11-25T18:00:00.123Z  created     /etc/x  sha256 " B64 "  unexplained\n" },
                { "{}", NULL, "                 no time  #7          {}\n" },
        };
        struct screen s = { 0 };

        check(t, ARRAY_LEN(t), &s);
}

#define OBJECT_DIGEST     "ymUsEvCLaVbWss_2MRRdFoV_7zzmLMu4DGO28C5Scvo"
#define OBJECT_DISCLOSURE "WyJjMkZzZEhOaGJIUnpZV3gwYzJGc2RBIiwid2hhdC5vYmplY3QiLCJBMSJd"
#define FROM_DIGEST       "YCvGbkIQM93qhX8ECP36UBlToE9I4Sn4rrNrMgN8Kus"
#define FROM_DISCLOSURE   "WyJjMkZzZEhOaGJIUnpZV3gwYzJGc2RBIiwid2hvLmFkZHJlc3MiLCIxOTIuMC4yLjciXQ"
#define CALLER_DIGEST     "daGeCdTazrfJaFtR9KasMPj5GAfvDG2gZDYKGE7XtLg"
#define CALLER_DISCLOSURE "WyJjMkZzZEhOaGJIUnpZV3gwYzJGc2RBIiwid2hvLnVzZXIiLCJwYXlyb2xsIl0"
#define OF_CALL           "\"method\":\"GET\",\"object_type\":\"Account\",\"operation\":\"getAccount\""

static void tells_calls(void **state)
{
        static const char intent[] =
                "{\"_sd\":[\"" FROM_DIGEST "\",\"" CALLER_DIGEST "\",\"" OBJECT_DIGEST
                "\"],\"k\":\"api.intent\"," T ",\"what\":{\"api\":\"accounts\",\"bytes\":0,"
                "\"call\":\"c\",\"decision\":\"allow\",\"faults\":[[\"p\",\"line 7, column 12: no "
                "attribute \\\"x\\\"\"]],\"generation\":9," OF_CALL
                ",\"policies\":[\"tellers-read\",\"policy1\"],\"version\":\"1.4.0\","
                "\"writes\":[[\"pii.name\",2]]}}";
        static const struct sample t[] = {
                { intent, NULL,
                  AT
                  "call        GET getAccount of accounts 1.4.0, Account: allow by tellers-read, "
                  "policy1  erred: p: line 7, column 12: no attribute \"x\"  writes pii.name (2)  by "
                  "⟨sealed⟩\n" },
                { intent, OBJECT_DISCLOSURE "\n" FROM_DISCLOSURE "\n" CALLER_DISCLOSURE "\n",
                  AT
                  "call        GET getAccount of accounts 1.4.0, Account A1: allow by tellers-read, "
                  "policy1  erred: p: line 7, column 12: no attribute \"x\"  writes pii.name (2)  by "
                  "payroll from 192.0.2.7\n" },
                { "{\"k\":\"api.outcome\"," T
                  ",\"what\":{\"api\":\"accounts\",\"backend_ns\":3000000,"
                  "\"backend_status\":200,\"bytes\":120,\"call\":\"c\",\"findings\":[[\"card\","
                  "\"/accounts/[]/note\",2]]," OF_CALL
                  ",\"reads\":[[\"pan\",1,\"masked\"],[\"pii.name\",2,\"clear\"]],"
                  "\"result\":\"answered\",\"status\":200,\"version\":\"1.4.0\"}}",
                  NULL,
                  AT
                  "answered    GET getAccount of accounts 1.4.0, Account: 200 in 3 ms  reads pan masked "
                  "(1), pii.name clear (2)  looks personal: card at /accounts/[]/note (2)\n" },
                { "{\"k\":\"api.outcome\"," T ",\"what\":{\"api\":\"accounts\",\"bytes\":90,"
                  "\"call\":\"c\",\"detail\":\"no answer in 10 s\"," OF_CALL
                  ",\"reason\":\"backend_time\",\"result\":\"refused\",\"status\":504,"
                  "\"version\":\"1.4.0\"}}",
                  NULL,
                  AT
                  "refused     GET getAccount of accounts 1.4.0, Account: 504, backend_time, no answer "
                  "in 10 s\n" },
                { "{\"k\":\"api.denied\"," T ",\"what\":{\"api\":\"accounts\",\"call\":\"c\","
                  "\"count\":1234,\"from\":\"2026-11-25T18:00:00.123456789Z\"," OF_CALL
                  ",\"policies\":[\"never\"],\"reason\":\"policy\",\"status\":403}}",
                  NULL,
                  AT
                  "DENIED      403 policy, GET getAccount of accounts, Account, 1,234 calls since "
                  "2026-11-25 19:00:00, by never\n" },
                { "{\"_sd\":[\"" FROM_DIGEST "\"],\"k\":\"api.denied\"," T
                  ",\"what\":{\"method\":\"GET\",\"reason\":\"path\",\"status\":404}}",
                  FROM_DISCLOSURE "\n", AT "DENIED      404 path, GET  from 192.0.2.7\n" },
                { "{\"k\":\"api.denied\"," T ",\"what\":{\"detail\":\"a \\u001b in it\","
                  "\"reason\":\"target\",\"status\":400}}",
                  NULL, AT "DENIED      400 target (a \\x1b in it)\n" },
                { "{\"k\":\"api.unknown\"," T ",\"what\":{\"call\":\"c\",\"index\":4711,"
                  "\"intent\":\"i\",\"reason\":\"gone\",\"run\":7}}",
                  NULL,
                  AT
                  "unknown     what came of call c (gone), which entry 4,711 tells of, run 7\n" },
                { "{\"k\":\"api.unshown\"," T ",\"what\":{\"api\":\"accounts\",\"call\":\"c\","
                  "\"method\":\"GET\",\"operation\":\"getAccount\",\"reason\":\"late\","
                  "\"status\":503,\"version\":\"1.4.0\"}}",
                  NULL,
                  AT
                  "unshown     the answer to GET getAccount of accounts 1.4.0, call c (late): the caller "
                  "got 503\n" },
                { "{\"k\":\"api.values\"," T ",\"what\":{\"api\":\"accounts\",\"call\":\"c\","
                  "\"classes\":[[\"pan\",1,\"masked\"],7,[\"x\"]],\"direction\":\"response\","
                  "\"operation\":\"getAccount\",\"part\":1}}",
                  NULL,
                  AT
                  "values      of the response of getAccount of accounts, call c, part 1  of pan "
                  "masked (1), 7, [\"x\"]\n" },
        };
        struct screen s = { .terminal = true, .width = 400 };

        check(t, ARRAY_LEN(t), &s);
}

static void refuses_foreign_disclosures(void **state)
{
        static const char entry[] =
                "{\"_sd\":[\"" OTHER_DIGEST "\"],\"k\":\"integrity.change\"," T "}";
        struct err err = { 0 };
        struct view v;

        view_init(&v);
        assert_int_equal(view_open(&v, 7, SPAN(entry), &err), 0);
        assert_int_equal(view_take(&v, SPAN(USER_DISCLOSURE), &err), -EBADMSG);
        assert_string_equal(err_text(&err),
                            "entry 7: a disclosure does not belong to it (no such digest)");
        assert_int_equal(v.n_disclosed, 0);
        view_done(&v);
}

static int set_zone(void **state)
{
        setenv("TZ", "CET-1", 1);
        tzset();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tells_changes),
                cmocka_unit_test(tells_small_changes),
                cmocka_unit_test(tells_sensitive_values),
                cmocka_unit_test(tells_calls),
                cmocka_unit_test(tells_others),
                cmocka_unit_test(cuts_nothing_in_a_pipe),
                cmocka_unit_test(refuses_foreign_disclosures),
        };

        return cmocka_run_group_tests(tests, set_zone, NULL);
}
