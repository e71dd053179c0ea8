/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - what an administrator may ask of the running recorder.  Floor 3.
 *
 * Root, over the recorder's socket, as role "admin" (feed_command()).  Arguments and replies are
 * canonical JSON objects; a failure is {"error":"..."} with a negative errno.
 *
 *   verb, its arguments
 *            what is replied
 *   api      kind, sensitive, what
 *            index: of the entry; kind is one of the registry's or of
 *            tokens, what its members, sensitive may be absent:
 *            [subject, field, text] of each that the vault is to have
 *   status   {}
 *            appended, backlog, batches, full, held, peers, published, refused, resent, root, size
 *   publish  {}
 *            size: everything durable is signed
 *   hold     reason, state: "set"|"lifted", subject
 *            subject
 *   erase    basis, policy, subject
 *            entries, rows, subject
 *   rotate   reason
 *            vkey: the new one
 *   prune    min_index, policy, policy_sha256, until
 *            min_index: rounded to a bundle
 *   stamp    authority, digest, note, reply, root, size, time
 *            size
 *            (note, reply: base64 of the checkpoint and of the RFC 3161 reply, judged by the
 *            caller: the recorder stores them and parses neither)
 *   test     test: an id
 *            index: of the entry alert.test
 *   succeed  next_origin, next_vkey, reason
 *            size: the last one; the recorder then ends with RECORDER_SUCCEEDED, and whoever
 *            asked puts the next ledger in its place (upkeep.h) and has it started again
 *
 * subject: an id, or a label ("uid:1000").  Those that change something begin when everything is
 * published and the worker rests, which writers are held for if need be; erase and prune then go a
 * slice at a time beside the writers (act.h), the others run in one piece.  One at a time: another
 * is -EBUSY meanwhile, but status and publish.  Each is an entry before it is done.  What a crash
 * interrupts is begun again at the next start, from the notes it left (pending/).  api
 * only writes down what is done elsewhere: it waits for nothing and promises nothing. */
#ifndef RECORDER_COMMAND_H
#define RECORDER_COMMAND_H

/* Exit status of assay-recorder when its ledger was succeeded: start it again at once. */
enum { RECORDER_SUCCEEDED = 75 };

#endif
