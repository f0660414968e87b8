/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of enum uvf_mode, in its order; also for the plug-in of `ip`, which links nothing. */
#ifndef UVF_MODE_H
#define UVF_MODE_H

static const char *const uvf_modes[] = { "private", "bridge", "passthru" };

#endif /* UVF_MODE_H */
