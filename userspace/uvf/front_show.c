// SPDX-License-Identifier: GPL-2.0-only
/* uvf front list, uvf front show: what interface processes count. */
#include "appliance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counters.h"
#include "front_show.h"
#include "why.h"

#define NEEDS_RESET 64 /* of the device status (Virtio 1.2, 2.1) */

/* Of either kind, which its magic tells. */
union counters {
	uint32_t magic;
	struct front_counters vhost;
	struct front_vfio vfio;
};

static bool is_sound(union counters *counters, ssize_t size)
{
	if (size >= (ssize_t)sizeof(counters->vfio) && counters->magic == FRONT_VFIO_MAGIC &&
	    counters->vfio.size == sizeof(counters->vfio)) {
		front_vfio_sound(&counters->vfio);
		return true;
	}
	if (size < (ssize_t)sizeof(counters->vhost) || counters->magic != FRONT_MAGIC ||
	    counters->vhost.size != sizeof(counters->vhost))
		return false;
	counters->vhost.function[sizeof(counters->vhost.function) - 1] = '\0';
	counters->vhost.socket[sizeof(counters->vhost.socket) - 1] = '\0';
	counters->vhost.why[sizeof(counters->vhost.why) - 1] = '\0';
	counters->vhost.standby_of[sizeof(counters->vhost.standby_of) - 1] = '\0';
	counters->vhost.standby_why[sizeof(counters->vhost.standby_why) - 1] = '\0';
	return true;
}

/* A copy, of a file that somebody writes to. @alive: that somebody. */
static int counters_read(const char *function, union counters *counters, bool *alive)
{
	char path[PATH_MAX];
	ssize_t got;
	int fd;

	memset(counters, 0, sizeof(*counters));
	counters_path(path, function);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return uvf_fail(errno, "%s has no interface process: `uvf front list` shows those "
				       "there are", function);
	*alive = flock(fd, LOCK_SH | LOCK_NB) != 0;
	got = read(fd, counters, sizeof(*counters));
	close(fd);
	if (!is_sound(counters, got))
		return uvf_fail(EINVAL, "%s holds no counters of this version of uvf", path);
	return 0;
}

/* --- as JSON ---------------------------------------------------------------------------------- */

void add_number(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

void add_text(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, *value ? json_object_new_string(value) : NULL);
}

void add_bool(struct json_object *to, const char *key, bool value)
{
	json_object_object_add(to, key, json_object_new_boolean(value));
}

static void add_hex(struct json_object *to, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	add_text(to, key, text);
}

static struct json_object *ring_json(const struct front_ring *ring, unsigned int index)
{
	struct json_object *object = json_object_new_object();
	char text[FRONT_WHY + 1];

	add_number(object, "ring", index);
	add_text(object, "direction", index & 1 ? "transmit" : "receive");
	add_number(object, "size", ring->size);
	add_bool(object, "packed", ring->packed);
	snprintf(text, sizeof(text), "%.*s", (int)sizeof(ring->path), ring->path);
	add_text(object, "path", text);
	snprintf(text, sizeof(text), "%.*s", (int)sizeof(ring->why), ring->why);
	add_text(object, "why_copied", text);
	add_number(object, "frames", ring->frames);
	add_number(object, "bytes", ring->bytes);
	add_number(object, "copied", ring->copied);
	add_number(object, "dropped", ring->dropped);
	add_number(object, "waits", ring->waits);
	add_number(object, "full", ring->full);
	add_number(object, "kicks", ring->kicks);
	add_number(object, "calls", ring->calls);
	add_number(object, "resumed", ring->resumed);
	return object;
}

static struct json_object *rings_json(const struct front_counters *counters)
{
	struct json_object *rings = json_object_new_array();

	for (unsigned int i = 0; i < 2 * counters->pairs && i < FRONT_RINGS; i++)
		json_object_array_add(rings, ring_json(&counters->ring[i], i));
	return rings;
}

static struct json_object *vhost_json(const struct front_counters *counters, bool alive)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "function", counters->function);
	add_text(object, "front", "vhost-user");
	add_bool(object, "alive", alive);
	json_object_object_add(object, "pid", alive ? json_object_new_int(counters->pid) : NULL);
	add_text(object, "socket", counters->socket);
	add_text(object, "role", counters->client ? "client" : "server");
	add_bool(object, "connected", alive && counters->connected);
	add_number(object, "connections", counters->connections);
	add_number(object, "pairs", counters->pairs);
	add_hex(object, "features", counters->features);
	add_hex(object, "protocol_features", counters->protocol_features);
	add_number(object, "status", counters->status);
	add_bool(object, "link", counters->link);
	add_bool(object, "needs_reset", counters->status & NEEDS_RESET);
	add_number(object, "broken", counters->broken);
	add_text(object, "why_broken", counters->why);
	add_text(object, "standby_of", counters->standby_of);
	add_bool(object, "standby_took", alive && counters->took);
	add_text(object, "standby_why", counters->standby_why);
	json_object_object_add(object, "rings", rings_json(counters));
	return object;
}

static struct json_object *front_json(const union counters *counters, bool alive)
{
	return counters->magic == FRONT_VFIO_MAGIC ? front_vfio_json(&counters->vfio, alive) :
						     vhost_json(&counters->vhost, alive);
}

/* --- list ------------------------------------------------------------------------------------- */

static const char *state(const struct front_counters *counters)
{
	return counters->status & NEEDS_RESET ? "needs reset" :
	       counters->connected ? "connected" : "waits";
}

static void vhost_print(const struct front_counters *counters)
{
	printf("%-15s %-8d %-12s %-7s %5u  %s\n", counters->function, counters->pid,
	       state(counters), counters->client ? "client" : "server", counters->pairs,
	       counters->socket);
}

static void list_one(const char *function, struct json_object *array)
{
	union counters counters;
	bool alive = false;

	if (counters_read(function, &counters, &alive) || !alive)
		return;
	if (array)
		json_object_array_add(array, front_json(&counters, alive));
	else if (counters.magic == FRONT_VFIO_MAGIC)
		front_vfio_print(&counters.vfio);
	else
		vhost_print(&counters.vhost);
}

static int list_all(struct json_object *array)
{
	char path[PATH_MAX];
	struct dirent **names;
	int n;

	counters_path(path, "");
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		return errno == ENOENT ? 0 : uvf_fail(errno, "can't read %s: %s", path,
						      strerror(errno));
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			list_one(names[i]->d_name, array);
		free(names[i]);
	}
	free(names);
	return 0;
}

int front_list(int argc, char **argv)
{
	static const struct argp argp = {
		.options = query_options,
		.parser = query_parse,
		.doc = "Lists the interface processes that run.",
	};
	struct json_object *array = NULL;
	struct query query = { 0 };
	int err;

	parse(&argp, argc, argv, &query);
	if (query.count) {
		fprintf(stderr, "uvf front: list takes no names: `uvf front show %s` shows one\n",
			query.names[0]);
		return 64;
	}
	if (query.json)
		array = json_object_new_array();
	else
		printf("%-15s %-8s %-12s %-7s %5s  %s\n", "FUNCTION", "PID", "STATE", "ROLE",
		       "PAIRS", "SOCKET, OR DEVICE");
	err = list_all(array);
	if (query.json)
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	json_object_put(array);
	return err ? fail() : 0;
}

/* --- show ------------------------------------------------------------------------------------- */

static void print_rings(struct json_object *rings)
{
	size_t n = json_object_array_length(rings);

	for (size_t i = 0; i < n; i++) {
		struct json_object *ring = json_object_array_get_idx(rings, i);

		puts("");
		json_object_object_foreach(ring, key, value)
			printf("%-18s%s\n", key, value ? json_object_get_string(value) : "-");
	}
}

static void print_text(struct json_object *object)
{
	json_object_object_foreach(object, key, value) {
		if (json_object_is_type(value, json_type_array))
			print_rings(value);
		else
			printf("%-18s%s\n", key, value ? json_object_get_string(value) : "-");
	}
}

int front_show(int argc, char **argv)
{
	static const struct argp argp = {
		.options = query_options,
		.parser = query_parse,
		.args_doc = "FUNCTION",
		.doc = "Shows what the interface process of a function does, and what it has "
		       "counted, dead or alive.",
	};
	union counters counters;
	struct query query = { 0 };
	struct json_object *object;
	bool alive = false;

	parse(&argp, argc, argv, &query);
	if (query.count != 1 || strlen(query.names[0]) >= UVF_PROTO_NAME ||
	    strchr(query.names[0], '/')) {
		fprintf(stderr, "uvf front show: of which function? `uvf front list` shows those "
				"there are\n");
		return 64;
	}
	if (counters_read(query.names[0], &counters, &alive))
		return fail();
	object = front_json(&counters, alive);
	if (query.json)
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	else
		print_text(object);
	json_object_put(object);
	return 0;
}
