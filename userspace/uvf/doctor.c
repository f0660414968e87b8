// SPDX-License-Identifier: GPL-2.0-only
/* uvf doctor: why does a function receive nothing? */
#include "doctor.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

/* Nobody looks at a picture that has to move: uvfd may have just begun to change programs. */
#define PATIENCE_MS 5000

static const char *const severities[] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

static const struct argp argp = {
	.options = watch_options,
	.parser = watch_parse,
	.args_doc = "[FUNCTION]",
	.doc = "Tells why a function receives nothing, or less than it should, and what to do. It "
	       "watches for a second, or --seconds.\v"
	       "The exit status is 0 when nothing is wrong, 1 when something is.",
};

void found(struct doctor *doctor, enum severity severity, const char *code, const char *function,
	   const char *format, ...)
{
	struct json_object *object = json_object_new_object();
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	json_object_object_add(object, "severity", json_object_new_string(severities[severity]));
	json_object_object_add(object, "code", json_object_new_string(code));
	json_object_object_add(object, "function",
			       function ? json_object_new_string(function) : NULL);
	json_object_object_add(object, "what", json_object_new_string(what));
	json_object_array_add(doctor->findings, object);
	if (severity > doctor->worst)
		doctor->worst = severity;
}

void advise(struct doctor *doctor, const char *format, ...)
{
	size_t count = json_object_array_length(doctor->findings);
	char todo[512];
	va_list args;

	va_start(args, format);
	vsnprintf(todo, sizeof(todo), format, args);
	va_end(args);
	json_object_object_add(json_object_array_get_idx(doctor->findings, count - 1), "todo",
			       json_object_new_string(todo));
}

static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);

	return value ? json_object_get_string(value) : "";
}

static void print(struct json_object *findings)
{
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *one = json_object_array_get_idx(findings, i);
		const char *function = member(one, "function");

		printf("%s: %s%s%s [%s]\n", member(one, "severity"), function,
		       *function ? ": " : "", member(one, "what"), member(one, "code"));
		printf("    %s\n", member(one, "todo"));
	}
	if (!json_object_array_length(findings))
		puts("nothing wrong");
}

static void examine(const struct fact *fact, void *arg)
{
	examine_links(arg, fact);
	examine_programs(arg, fact);
	examine_flow(arg, fact);
}

static int diagnose(struct doctor *doctor, const char *function)
{
	struct fact fact;
	int err;

	/* A name that is wrong is told at once, not after the samples. */
	if (function && facts_find(&doctor->facts, function, &fact))
		return -ENODEV;
	err = doctor_sample(doctor);
	if (err)
		return err;
	examine_host(doctor);
	if (!function)
		facts_walk(&doctor->facts, examine, doctor);
	else if (!facts_find(&doctor->facts, function, &fact))
		examine(&fact, doctor);
	else
		return -ENODEV;
	examine_uvfd(doctor);
	return 0;
}

static int report(struct doctor *doctor, const struct watch *plan)
{
	if (diagnose(doctor, plan->function))
		return fail();
	if (plan->json)
		puts(json_object_to_json_string_ext(doctor->findings, JSON_C_TO_STRING_PRETTY));
	else
		print(doctor->findings);
	return doctor->worst > SEVERITY_NOTE;
}

int cmd_doctor(int argc, char **argv)
{
	struct watch plan = { .milliseconds = 1000 };
	struct doctor doctor = { 0 };
	int status;

	parse(&argp, argc, argv, &plan);
	doctor.milliseconds = plan.milliseconds;
	if (must_be_root("uvf doctor", "it looks at BPF programs and listens to uplinks") ||
	    facts_open(&doctor.facts, false))
		return fail();
	doctor.facts.patience = PATIENCE_MS;
	doctor.findings = json_object_new_array();
	status = report(&doctor, &plan);
	json_object_put(doctor.findings);
	facts_close(&doctor.facts);
	free(doctor.samples);
	return status;
}
