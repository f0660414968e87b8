// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is reserved, and what cards were told before, in a file: a uvfd that is killed leaves it to
 * the next one. It lies below /run, and ends with the system as the cards' state does.
 */
#include "direct.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>
#include <uvf/steer.h>

#include "why.h"

#define LEDGER_MAX (4u << 20)

struct direct *ledger_direct(struct ledger *ledger, int key)
{
	struct direct *direct;

	HASH_FIND_INT(ledger->directs, &key, direct);
	return direct;
}

struct spread *ledger_spread(struct ledger *ledger, int uplink)
{
	struct spread *spread;

	HASH_FIND_INT(ledger->spreads, &uplink, spread);
	return spread;
}

void ledger_drop_direct(struct ledger *ledger, struct direct *direct)
{
	HASH_DEL(ledger->directs, direct);
	free(direct);
}

void ledger_drop_spread(struct ledger *ledger, struct spread *spread)
{
	HASH_DEL(ledger->spreads, spread);
	free(spread);
}

void ledger_free(struct ledger *ledger)
{
	struct direct *direct, *next;
	struct spread *spread, *other;

	HASH_ITER(hh, ledger->directs, direct, next)
		ledger_drop_direct(ledger, direct);
	HASH_ITER(hh, ledger->spreads, spread, other)
		ledger_drop_spread(ledger, spread);
}

/* --- writing ----------------------------------------------------------------------------- */

static void put(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static struct json_object *direct_json(const struct direct *direct)
{
	struct json_object *object = json_object_new_object();
	uint64_t mac = 0;

	memcpy(&mac, direct->mac, sizeof(direct->mac));
	put(object, "key", direct->key);
	put(object, "uplink", direct->uplink);
	put(object, "queues", direct->queues);
	put(object, "asked", direct->asked);
	put(object, "by", direct->by);
	put(object, "copy", direct->copy);
	put(object, "on", direct->on);
	put(object, "ruled", direct->ruled);
	put(object, "mac", mac);
	return object;
}

static struct json_object *table_json(const struct uvf_rss *rss)
{
	struct json_object *array = json_object_new_array();

	for (uint32_t i = 0; i < rss->size; i++)
		json_object_array_add(array, json_object_new_uint64(rss->queue[i]));
	return array;
}

static struct json_object *spread_json(const struct spread *spread)
{
	struct json_object *object = json_object_new_object();

	put(object, "uplink", spread->uplink);
	put(object, "queues", spread->queues);
	json_object_object_add(object, "before", table_json(&spread->before));
	json_object_object_add(object, "last", table_json(&spread->last));
	json_object_object_add(object, "ours", table_json(&spread->ours));
	return object;
}

static struct json_object *ledger_json(const struct ledger *ledger)
{
	struct json_object *root = json_object_new_object();
	struct json_object *directs = json_object_new_array();
	struct json_object *spreads = json_object_new_array();

	for (const struct direct *direct = ledger->directs; direct; direct = direct->hh.next)
		json_object_array_add(directs, direct_json(direct));
	for (const struct spread *spread = ledger->spreads; spread; spread = spread->hh.next)
		json_object_array_add(spreads, spread_json(spread));
	json_object_object_add(root, "directs", directs);
	json_object_object_add(root, "spreads", spreads);
	return root;
}

static int write_text(const char *path, const char *text)
{
	size_t size = strlen(text);
	ssize_t wrote;
	int fd, err;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	wrote = write(fd, text, size);
	err = wrote == (ssize_t)size ? 0 : wrote < 0 ? -errno : -ENOSPC;
	close(fd);
	return err;
}

int ledger_write(const struct ledger *ledger, const char *path)
{
	struct json_object *root;
	char fresh[128];
	int err;

	if (!ledger->directs && !ledger->spreads) {
		unlink(path);
		return 0;
	}
	root = ledger_json(ledger);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	err = write_text(fresh, json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
	if (!err && rename(fresh, path))
		err = -errno;
	if (err)
		return uvf_fail(-err, "can't note in %s what the uplink's queues are like: %s", path,
				strerror(-err));
	return 0;
}

/* --- reading ------------------------------------------------------------------------------ */

static bool get(struct json_object *object, const char *key, uint64_t most, uint64_t *value)
{
	struct json_object *number;

	if (!json_object_object_get_ex(object, key, &number) ||
	    !json_object_is_type(number, json_type_int) || json_object_get_int64(number) < 0)
		return false;
	*value = json_object_get_uint64(number);
	return *value <= most;
}

static bool direct_parse(struct ledger *ledger, struct json_object *object)
{
	uint64_t key, uplink, queues, asked, by, copy, on, ruled, mac;
	struct direct *direct;

	if (!get(object, "key", INT32_MAX, &key) || !get(object, "uplink", INT32_MAX, &uplink) ||
	    !get(object, "queues", UINT64_MAX, &queues) || !queues ||
	    !get(object, "asked", UVF_DIRECT_BYS - 1, &asked) ||
	    !get(object, "by", UVF_DIRECT_BYS - 1, &by) || !get(object, "on", 1, &on) ||
	    !get(object, "copy", 1, &copy) ||
	    !get(object, "ruled", 1, &ruled) || !get(object, "mac", (1ULL << 48) - 1, &mac) ||
	    ledger_direct(ledger, key))
		return false;
	direct = calloc(1, sizeof(*direct));
	if (!direct)
		return false;
	direct->key = key;
	direct->uplink = uplink;
	direct->queues = queues;
	direct->asked = asked;
	direct->by = by;
	direct->copy = copy;
	direct->on = on;
	direct->ruled = ruled;
	memcpy(direct->mac, &mac, sizeof(direct->mac));
	HASH_ADD_INT(ledger->directs, key, direct);
	return true;
}

static bool table_parse(struct uvf_rss *rss, struct json_object *object, const char *key)
{
	struct json_object *array, *entry;

	if (!json_object_object_get_ex(object, key, &array) ||
	    !json_object_is_type(array, json_type_array) ||
	    !json_object_array_length(array) || json_object_array_length(array) > UVF_RSS_MAX)
		return false;
	rss->size = json_object_array_length(array);
	for (uint32_t i = 0; i < rss->size; i++) {
		entry = json_object_array_get_idx(array, i);
		if (!json_object_is_type(entry, json_type_int) ||
		    json_object_get_int64(entry) < 0 || json_object_get_int64(entry) > UINT32_MAX)
			return false;
		rss->queue[i] = json_object_get_int64(entry);
	}
	return true;
}

static bool spread_parse(struct ledger *ledger, struct json_object *object)
{
	struct spread *spread;
	uint64_t uplink, queues;

	if (!get(object, "uplink", INT32_MAX, &uplink) ||
	    !get(object, "queues", UINT32_MAX, &queues) || ledger_spread(ledger, uplink))
		return false;
	spread = calloc(1, sizeof(*spread));
	if (!spread)
		return false;
	spread->uplink = uplink;
	spread->queues = queues;
	if (!table_parse(&spread->before, object, "before") ||
	    !table_parse(&spread->last, object, "last") ||
	    !table_parse(&spread->ours, object, "ours") ||
	    spread->before.size != spread->ours.size) {
		free(spread);
		return false;
	}
	HASH_ADD_INT(ledger->spreads, uplink, spread);
	return true;
}

static bool each(struct ledger *ledger, struct json_object *root, const char *key,
		 bool (*parse)(struct ledger *ledger, struct json_object *object))
{
	struct json_object *array;

	if (!json_object_object_get_ex(root, key, &array) ||
	    !json_object_is_type(array, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (!parse(ledger, json_object_array_get_idx(array, i)))
			return false;
	return true;
}

int ledger_parse(struct ledger *ledger, const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root;
	bool good;

	*ledger = (struct ledger){ 0 };
	if (!tokener)
		return uvf_fail(ENOMEM, "no memory to read what is reserved");
	root = json_tokener_parse_ex(tokener, text, size);
	good = json_object_is_type(root, json_type_object) &&
	       each(ledger, root, "directs", direct_parse) &&
	       each(ledger, root, "spreads", spread_parse);
	json_object_put(root);
	json_tokener_free(tokener);
	if (good)
		return 0;
	ledger_free(ledger);
	return uvf_fail(EINVAL, "it is not what uvfd wrote");
}

int ledger_read(struct ledger *ledger, const char *path)
{
	struct stat stat;
	ssize_t got = -1;
	char *text;
	int fd, err;

	*ledger = (struct ledger){ 0 };
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return uvf_fail(errno, "%s", strerror(errno));
	text = !fstat(fd, &stat) && stat.st_size <= LEDGER_MAX ? malloc(stat.st_size + 1) : NULL;
	if (text)
		got = read(fd, text, stat.st_size);
	close(fd);
	if (got < 0)
		err = uvf_fail(EIO, "it can't be read, or is longer than uvfd writes");
	else
		err = ledger_parse(ledger, text, got);
	free(text);
	return err;
}
