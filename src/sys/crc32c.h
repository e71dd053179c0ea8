/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.h - CRC-32C (Castagnoli, reflected 0x82F63B78, RFC 3720 B.4), by instruction where the
 * processor has one.  Floor 1. */
#ifndef SYS_CRC32C_H
#define SYS_CRC32C_H

#include "base/base.h"

/* crc32c(0, s) starts; pass the last result to go on. */
uint32_t crc32c(uint32_t crc, struct span s);

/* The same by table on any processor: what crc32c() falls back to, and what its test compares. */
uint32_t crc32c_portable(uint32_t crc, struct span s);

#endif
