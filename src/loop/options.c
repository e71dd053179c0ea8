/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */
#include "loop/options.h"

#include <getopt.h>
#include <stdio.h>

#include "base/text.h"

enum {
        SPECS_MAX = 40,   /* options of one command, the common ones included */
        LONG_BASE = 1000, /* getopt_long's value for spec i is LONG_BASE + i */
};

struct prepared {
        const struct option_spec *spec[SPECS_MAX];
        void *target[SPECS_MAX];
        size_t n;
        struct option longs[SPECS_MAX + 1];
        char letters[2 * SPECS_MAX + 2];
};

static void prepare(struct prepared *p, const struct option_set *sets, size_t n_sets)
{
        size_t at = 0;

        memset(p, 0, sizeof(*p));
        /* A leading colon: tell a missing value from an unknown option, and print nothing. */
        p->letters[at++] = ':';
        for (size_t s = 0; s < n_sets; s++) {
                for (const struct option_spec *o = sets[s].specs; o && o->name; o++) {
                        bool has_value = o->type != OPTION_FLAG;

                        assert(p->n < SPECS_MAX);
                        p->longs[p->n] = (struct option){
                                .name = o->name,
                                .has_arg = has_value ? required_argument : no_argument,
                                .val = LONG_BASE + (int)p->n,
                        };
                        if (o->letter) {
                                p->letters[at++] = o->letter;
                                if (has_value)
                                        p->letters[at++] = ':';
                        }
                        p->spec[p->n] = o;
                        p->target[p->n++] = sets[s].target;
                }
        }
}

static int find(const struct prepared *p, int found)
{
        if (found >= LONG_BASE)
                return found - LONG_BASE;
        for (size_t i = 0; i < p->n; i++)
                if (p->spec[i]->letter && p->spec[i]->letter == found)
                        return (int)i;
        return -1;
}

static int store_u64(const struct option_spec *o, struct option_u64 *member, const char *value,
                     struct err *err)
{
        if (text_to_u64(span_str(value), &member->value) < 0)
                return err_set(err, -EINVAL, "option --%s: \"%s\" is not a whole number", o->name,
                               value);
        member->given = true;
        return 0;
}

static int store_texts(const struct option_spec *o, struct option_texts *member, const char *value,
                       struct err *err)
{
        if (member->n == OPTION_TEXTS_MAX)
                return err_set(err, -EINVAL, "option --%s is given more than %d times", o->name,
                               OPTION_TEXTS_MAX);
        member->at[member->n++] = value;
        return 0;
}

static int store(const struct option_spec *o, void *target, const char *value, struct err *err)
{
        void *member = (char *)target + o->offset;

        if (o->type != OPTION_FLAG && !*value)
                return err_set(err, -EINVAL, "option --%s: the value is empty", o->name);
        switch (o->type) {
        case OPTION_FLAG:
                *(bool *)member = true;
                return 0;
        case OPTION_TEXT:
                *(const char **)member = value;
                return 0;
        case OPTION_U64:
                return store_u64(o, member, value, err);
        case OPTION_TEXTS:
                return store_texts(o, member, value, err);
        }
        assert(!"unknown option type");
        return -EINVAL;
}

/* getopt says '?' for all of: unknown, ambiguous, and a flag that was given a value. */
static int refuse_unknown(const struct prepared *p, char **argv, struct err *err)
{
        const char *word = argv[optind - 1];
        int i = find(p, optopt);

        if (optopt > 0 && optopt < LONG_BASE)
                return err_set(err, -EINVAL, "unknown option -%c", optopt);
        if (i >= 0)
                return err_set(err, -EINVAL, "option --%s takes no value", p->spec[i]->name);
        return err_set(err, -EINVAL, "unknown option %s", word);
}

int options_parse(int argc, char **argv, const struct option_set *sets, size_t n_sets,
                  int *ret_first, struct err *err)
{
        struct prepared p;
        int found, i, r;

        prepare(&p, sets, n_sets);
        optind = 0; /* start again, also within one process */
        opterr = 0;
        while ((found = getopt_long(argc, argv, p.letters, p.longs, NULL)) != -1) {
                if (found == '?')
                        return refuse_unknown(&p, argv, err);
                i = find(&p, found == ':' ? optopt : found);
                assert(i >= 0);
                if (found == ':')
                        return err_set(err, -EINVAL, "option --%s needs a value (%s)",
                                       p.spec[i]->name, p.spec[i]->value);
                r = store(p.spec[i], p.target[i], optarg, err);
                if (r < 0)
                        return r;
        }
        *ret_first = optind;
        return 0;
}
