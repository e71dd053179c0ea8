/* SPDX-License-Identifier: Apache-2.0 */
/* registry_load.h - registry.yaml(5), read by the job "registry".  Floor 2. */
#ifndef PACKAGE_REGISTRY_LOAD_H
#define PACKAGE_REGISTRY_LOAD_H

#include "base/clock.h"
#include "loop/conffile.h"
#include "package/registry/registry_config.h"

/* Adds what the file at path says to c, which was initialised; program: assay-job.  faults, zeroed,
 * has all that is wrong with it; conffile_faults_done() is the caller's, also on success.  -EINVAL:
 * err has the first of them; what conffile_read() and job_run_wait() say. */
MUST_USE int registry_config_load(struct registry_config *c, const char *path, const char *program,
                                  const struct clock *clock, struct conffile_faults *faults,
                                  struct err *err);

#endif
