/* SPDX-License-Identifier: Apache-2.0 */
/* parsed.h - policies of a text that has to be right. */
#ifndef TESTS_POLICY_PARSED_H
#define TESTS_POLICY_PARSED_H

#include "policy/parse/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static inline struct cedar_policies *parsed(struct span text)
{
        struct cedar_policies *p = NULL;
        struct err err = { 0 };
        int rc = cedar_parse(text, &p, &err);

        if (rc < 0)
                print_error("%s in\n%.*s\n", err_text(&err), (int)text.n, (const char *)text.p);
        assert_int_equal(rc, 0);
        return p;
}

#endif
