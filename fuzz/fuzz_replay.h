/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_replay.h - a package that fuzzed entries are replayed against. */
#ifndef FUZZ_FUZZ_REPLAY_H
#define FUZZ_FUZZ_REPLAY_H

#include "command/api/replay.h"
#include "fuzz_package.h"

#define FUZZ_REPLAY_PACKAGE                                                                        \
        "{\"api\":{\"classes\":[\"pii\"],\"identities\":[{\"kind\":\"bearer\",\"name\":\"t\"}],"   \
        "\"operations\":[{\"id\":\"pay\",\"method\":\"POST\",\"object\":{\"parameter\":0,"         \
        "\"type\":\"Account\"},\"parameters\":[{\"in\":\"path\",\"name\":\"id\",\"required\":"     \
        "true,\"schema\":0},{\"in\":\"query\",\"name\":\"n\",\"schema\":2}],\"path\":\"/{id}\","   \
        "\"reads\":[0],\"request\":{\"media\":[{\"json\":true,\"schema\":1,\"type\":"              \
        "\"application/json\"}]},\"security\":[{\"schemes\":[0]}],\"segments\":[{\"parameter\":"   \
        "true,\"text\":\"id\"}]}],\"schemas\":[{\"types\":[\"string\"]},{\"properties\":[{"        \
        "\"name\":\"a\",\"schema\":2},{\"name\":\"b\",\"schema\":3},{\"name\":\"c\",\"schema\":"   \
        "1}],\"types\":[\"object\"]},{\"maximum\":\"9\",\"types\":[\"integer\"]},{\"items\":0,"    \
        "\"types\":[\"array\"]}]},\"config\":{\"backend\":{\"unix\":\"/run/a\"},\"classes\":[{"    \
        "\"mask\":\"redact\",\"name\":\"pii\"}],\"depth\":32,\"identities\":[{\"algorithms\":["    \
        "\"EdDSA\"],\"audience\":\"a\",\"caller\":\"sub\",\"claims\":[\"branch\"],\"groups\":"     \
        "\"g\",\"issuer\":\"i\",\"jwks_file\":\"/j\",\"kind\":\"jwt\",\"refresh\":600,"            \
        "\"scheme\":\"t\"}],\"name\":\"x\",\"request\":1000,\"response\":1000}}\0\0"               \
        "permit(principal in Group::\"g\", action == Action::\"pay\", resource) when { context "   \
        "has body.a && context.body.a < 5 || context.query has n };"                               \
        "forbid(principal, action == Action::\"pay\", resource) when { principal has branch && "   \
        "principal.branch == context.path.id || context has body.b && "                            \
        "context.body.b.contains(\"x\") };"                                                        \
        "permit(principal, action == Action::\"pay.read\", resource) when { context.query has n "  \
        "};\0[]"

static inline struct package *fuzz_replay_package(struct cedar_bench **bench)
{
        static struct buf file = BUF_INIT(1 << 20);
        static struct package *p;
        struct err err = { 0 };
        bool made;

        if (p)
                return p;
        made = fuzz_package(span_of(FUZZ_REPLAY_PACKAGE, sizeof FUZZ_REPLAY_PACKAGE - 1), &file);
        assert(made);
        if (package_open_bytes(buf_span(&file), NULL, 0, &p, &err) < 0) {
                (void)fprintf(stderr, "%s\n", err_text(&err));
                abort();
        }
        assert(cedar_bench_new(p->program, bench) == 0);
        return p;
}

/* Like the rest, but that what is wrong is nothing. */
static inline const struct tree *fuzz_replay_tree(struct span text, struct arena *arena)
{
        struct tree *t = arena_alloc(arena, sizeof *t);

        return t && tree_read(text, arena, t, NULL) == 0 ? t : NULL;
}

/* What is sealed in the entry, from the fuzzer: what.asked, the claims. */
static inline void fuzz_replay_unseal(struct replayed *r, struct span asked, struct span claims)
{
        r->call.asked = fuzz_replay_tree(asked, &r->arena);
        r->call.claims = fuzz_replay_tree(claims, &r->arena);
        r->call.known.asked = r->call.known.claims = REPLAY_KNOWN;
        r->call.known.caller = r->call.known.object = REPLAY_KNOWN;
        r->call.caller = r->call.object_id = SPAN("a");
}

static inline void fuzz_replay_cut(struct span rest, struct span line[4])
{
        for (size_t i = 0; i < 4 && fuzz_cut_line(&rest, &line[i]); i++)
                ;
}

/* With its outcome, if that is one, it is told without a control character. */
static inline void fuzz_replay_show(const struct package *p, struct view *v, struct span outcome,
                                    struct replayed *r)
{
        static const struct screen in_pipe = { 0 };
        CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 24);

        if (view_open(v, 2, outcome, NULL) == 0)
                (void)!replay_read_outcome(r, v, p->api, NULL);
        replay_judge(r);
        replay_put_text(&in_pipe, r, &out);
        for (size_t i = 0; i < out.n; i++)
                assert((out.p[i] >= 0x20 && out.p[i] != 0x7f) || out.p[i] == '\n');
        buf_clear(&out);
        replay_put_json(r, "l", &out);
        assert(out.n > 1 && json_check(span_of(out.p, out.n - 1), NULL) == 0);
}

#endif
