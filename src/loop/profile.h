/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h - what one role may do; private to role.c and profile.c.  Floor 2. */
#ifndef LOOP_PROFILE_H
#define LOOP_PROFILE_H

#include "sys/sandbox.h"

enum profile_place { PLACE_NONE, PLACE_STATE, PLACE_RUNTIME, PLACE_CONFIG, PLACE_LEDGER };
enum { PROFILE_PATHS = 4, PROFILE_FIXED = 16 };

struct role_profile {
        uint64_t caps;
        uint64_t caps_wanted; /* these too, where we have them */
        struct sandbox_calls calls;
        const struct sandbox_limits *limits; /* NULL: none of our own */
        bool no_network;
        const char *no_landlock; /* why not, or NULL */
        const char *no_seccomp;
        unsigned landlock_flags;
        struct {
                enum profile_place place; /* PLACE_NONE ends the list */
                unsigned rights;
        } paths[PROFILE_PATHS];
        const struct sandbox_path *fixed; /* the same on every host */
        size_t n_fixed;
};

extern const struct role_profile profile_recorder;
extern const struct role_profile profile_sensor;
extern const struct role_profile profile_job;
extern const struct role_profile profile_job_dir;
extern const struct role_profile profile_job_large;
extern const struct role_profile profile_job_program;
extern const struct role_profile profile_guard;
extern const struct role_profile profile_monitor;
extern const struct role_profile profile_uplink;
extern const struct role_profile profile_courier;
extern const struct role_profile profile_gateway;
extern const struct role_profile profile_gateway_files;
extern const struct role_profile profile_keys;

#endif
