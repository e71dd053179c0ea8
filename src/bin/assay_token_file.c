/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/assay_token_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "command/places.h"
#include "loop/role.h"
#include "sys/io.h"
#include "sys/users.h"
#include "wire/json.h"

static const char file_name[] = "tokens.json", empty[] = "{\"tokens\":[]}\n";

/* ---- the directory ---- */

/* Where gateways have no name, they have the number that the directory of their keys has. */
static int find_group(const struct invocation *in, gid_t *ret, struct err *err)
{
        char path[PLACES_PATH_MAX];
        struct stat st;
        int r = users_find_group(role_of(ROLE_GATEWAY)->user, ret);

        if (r != -ENOENT)
                return r < 0 ? err_sys(err, r, "group %s", role_of(ROLE_GATEWAY)->user) : 0;
        r = places_join(in->state, "jwks", path, err);
        if (r < 0)
                return r;
        *ret = lstat(path, &st) == 0 && S_ISDIR(st.st_mode) ? st.st_gid : getegid();
        return 0;
}

static int make_dir(const struct invocation *in, const char *path, struct err *err)
{
        CLEANUP_FD int fd = -1;
        gid_t group = 0;
        int r = io_make_dirs(&io_kernel, AT_FDCWD, in->state, 0755, err);

        if (r == 0)
                r = find_group(in, &group, err);
        if (r < 0)
                return r;
        if (mkdir(path, 0750) < 0 && errno != EEXIST)
                return err_sys(err, -errno, "%s", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fchown(fd, (uid_t)-1, group) < 0 || fchmod(fd, 0750) < 0)
                return err_sys(err, -errno, "%s", path);
        return 0;
}

static int lock(struct token_file *f, struct err *err)
{
        f->lock = openat(f->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (f->lock < 0)
                return err_sys(err, -errno, "lock");
        if (flock(f->lock, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? err_set(err, -EBUSY, "another assay token is at work")
                                            : err_sys(err, -errno, "lock");
        return 0;
}

/* ---- the file ---- */

static int read_tokens(struct token_file *f, struct err *err)
{
        uint8_t *text = NULL;
        size_t n = 0;
        int r = -ENOENT;

        if (f->dir >= 0)
                r = io_read_file(&io_kernel, f->dir, file_name, TOKENS_FILE_MAX, &text, &n, err);
        if (r == 0)
                r = tokens_read(span_of(text, n), &f->tokens, err);
        else if (r == -ENOENT)
                r = tokens_read(span_str(empty), &f->tokens, err);
        free(text);
        return r;
}

int token_file_open(const struct invocation *in, bool change, struct token_file *ret,
                    struct err *err)
{
        struct token_file f = TOKEN_FILE_NONE;
        char path[PLACES_PATH_MAX];
        int r = places_join(in->state, "tokens", path, err);

        if (r == 0 && change)
                r = make_dir(in, path, err);
        if (r < 0)
                return r;
        f.dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (f.dir < 0 && (change || errno != ENOENT))
                r = err_sys(err, -errno, "%s", path);
        if (r == 0 && change)
                r = lock(&f, err);
        if (r == 0)
                r = read_tokens(&f, err);
        if (r < 0)
                token_file_close(&f);
        else
                *ret = f;
        return r;
}

void token_file_close(struct token_file *f)
{
        f->tokens = tokens_free(f->tokens);
        fd_close(&f->lock);
        fd_close(&f->dir);
}

const struct token *token_file_find(const struct token_file *f, struct span id)
{
        for (uint32_t i = 0; i < tokens_count(f->tokens); i++)
                if (span_eq(tokens_at(f->tokens, i)->id, id))
                        return tokens_at(f->tokens, i);
        return NULL;
}

/* The new one goes where its id stands. */
static void put_all(const struct token_file *f, const struct token *without,
                    const struct token *with, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "tokens");
        json_begin_array(&w);
        for (uint32_t i = 0; i < tokens_count(f->tokens); i++) {
                const struct token *t = tokens_at(f->tokens, i);

                if (with && span_cmp(with->id, t->id) < 0) {
                        token_put(&w, with);
                        with = NULL;
                }
                if (t != without)
                        token_put(&w, t);
        }
        if (with)
                token_put(&w, with);
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* What gateways would not read is not written. */
int token_file_write(const struct token_file *f, const struct token *without,
                     const struct token *with, struct err *err)
{
        CLEANUP(tokens_freep) struct tokens *again = NULL;
        CLEANUP(buf_done) struct buf out = BUF_INIT(TOKENS_FILE_MAX);
        int r;

        put_all(f, without, with, &out);
        r = buf_status(&out);
        if (r < 0)
                return err_sys(err, r, "%s", file_name);
        r = tokens_read(buf_span(&out), &again, err);
        return r < 0 ? r
                     : io_replace_file(&io_kernel, f->dir, file_name, f->dir, 0644, buf_span(&out),
                                       err);
}
