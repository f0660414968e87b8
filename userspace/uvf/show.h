/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UVF_SHOW_H
#define UVF_SHOW_H

#include "uvf.h"

/* What a function is, without its counters. The caller owns the object. */
struct json_object *show_json(const struct fact *fact);

#endif /* UVF_SHOW_H */
