/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/restore_plan.h"

#include "../sample.h"

enum { ALL = (1u << RECORD_F_COUNT) - 1 };

enum what {
        NONE,
        FILE_A,
        FILE_B,
        MODE,
        MTIME,
        LINKED,
        LESS_LINKS,
        INODE,
        OWNER,
        DIR,
        SOCKET,
        UNREAD
};

static bool make(enum what w, struct record *r)
{
        *r = sample_file(7, 'a');
        switch (w) {
        case NONE:
                return false;
        case FILE_B:
                memset(r->sha256, 'b', sizeof r->sha256);
                break;
        case MODE:
                r->mode = 04755;
                break;
        case MTIME:
                r->mtime_ns++;
                break;
        case LINKED:
                r->nlink = 2;
                break;
        case LESS_LINKS:
                r->nlink = 0;
                break;
        case INODE:
                r->ino = 8;
                r->btime_ns++;
                break;
        case OWNER:
                r->uid = 99;
                break;
        case DIR:
                *r = sample_dir(9);
                break;
        case SOCKET:
                *r = sample_dir(9);
                r->type = RECORD_SOCKET;
                break;
        case UNREAD:
                r->hash = RECORD_HASH_UNREADABLE;
                r->reason = RECORD_REASON_DENIED;
                memset(r->sha256, 0, sizeof r->sha256);
                break;
        default:
                break;
        }
        return true;
}

static void test_plans(void **state)
{
        static const struct {
                const char *name;
                enum what good, is;
                unsigned fields;
                enum restore_act act;
                unsigned differs;
                bool content;
        } table[] = {
                { "nothing and nothing", NONE, NONE, ALL, RESTORE_NOTHING, 0, false },
                { "the same", FILE_A, FILE_A, ALL, RESTORE_NOTHING, 0, false },
                { "deleted", FILE_A, NONE, ALL, RESTORE_CREATE, 0, true },
                { "a directory deleted", DIR, NONE, ALL, RESTORE_CREATE, 0, false },
                { "added", NONE, FILE_A, ALL, RESTORE_REMOVE, 0, false },
                { "content", FILE_A, FILE_B, ALL, RESTORE_REPLACE, RECORD_F_SHA256, true },
                { "mode", FILE_A, MODE, ALL, RESTORE_ATTRIBUTES, RECORD_F_MODE, false },
                { "mode does not count", FILE_A, MODE, ALL & ~RECORD_F_MODE, RESTORE_NOTHING, 0,
                  false },
                { "time", FILE_A, MTIME, ALL, RESTORE_ATTRIBUTES, RECORD_F_MTIME, false },
                { "owner", FILE_A, OWNER, ALL, RESTORE_ATTRIBUTES, RECORD_F_UID, false },
                { "a copy of it", FILE_A, INODE, ALL, RESTORE_NOTHING, 0, false },
                { "another name of it", FILE_A, LINKED, ALL, RESTORE_REPLACE, RECORD_F_LINKS,
                  true },
                { "a name less", LINKED, FILE_A, ALL, RESTORE_NOTHING, 0, false },
                { "a content that nobody could read", UNREAD, FILE_A, ALL, RESTORE_REPLACE,
                  RECORD_F_SHA256, true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct record good, is;
                bool has = make(table[i].good, &good), there = make(table[i].is, &is);
                struct restore_plan p;

                restore_plan(has ? &good : NULL, there ? &is : NULL, table[i].fields, &p);
                if (p.act != table[i].act || p.differs != table[i].differs ||
                    p.content != table[i].content)
                        fail_msg("%s: %s, %x, %d", table[i].name, restore_act_name(p.act),
                                 p.differs, p.content);
        }
}

static void test_another_type(void **state)
{
        struct record file = sample_file(7, 'a'), dir = sample_dir(9);
        struct restore_plan p;

        (void)state;
        restore_plan(&dir, &file, ALL, &p);
        assert_int_equal(p.act, RESTORE_REPLACE);
        assert_false(p.content);
        assert_true(p.differs & RECORD_F_TYPE);
        restore_plan(&file, &dir, ALL, &p);
        assert_int_equal(p.act, RESTORE_REPLACE);
        assert_true(p.content);
}

static void test_impossible(void **state)
{
        static const struct {
                enum what good, is;
                int want;
        } table[] = { { FILE_A, NONE, 0 },
                      { SOCKET, NONE, -ENOTSUP },
                      { SOCKET, FILE_A, -ENOTSUP },
                      { UNREAD, NONE, -ENOTSUP },
                      { UNREAD, FILE_A, -ENOTSUP },
                      { NONE, SOCKET, 0 },
                      { DIR, NONE, 0 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct record good, is;
                bool has = make(table[i].good, &good), there = make(table[i].is, &is);
                struct err err = { 0 };
                struct restore_plan p;

                restore_plan(has ? &good : NULL, there ? &is : NULL, ALL, &p);
                assert_int_equal(restore_possible(&good, &p, &err), table[i].want);
                assert_int_equal(err.code, table[i].want);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plans),
                cmocka_unit_test(test_another_type),
                cmocka_unit_test(test_impossible),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
