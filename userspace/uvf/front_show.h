/* SPDX-License-Identifier: GPL-2.0-only */
/* What `uvf front show` and `list` say of each kind of interface process. */
#ifndef UVF_FRONT_SHOW_H
#define UVF_FRONT_SHOW_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "counters.h"

void add_number(struct json_object *to, const char *key, uint64_t value);
/* "": null */
void add_text(struct json_object *to, const char *key, const char *value);
void add_bool(struct json_object *to, const char *key, bool value);

/* A copy of what somebody else writes: texts are ended. */
void front_vfio_sound(struct front_vfio *counters);
struct json_object *front_vfio_json(const struct front_vfio *counters, bool alive);
/* A line of the list. */
void front_vfio_print(const struct front_vfio *counters);

#endif /* UVF_FRONT_SHOW_H */
