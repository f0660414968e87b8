/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UVF_METRICS_H
#define UVF_METRICS_H

#include "uvf.h"

/* What a Content-Type says of metrics_text(). */
#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/*
 * The exposition, as https://prometheus.io/docs/specs/om/open_metrics_spec/ has it, in the words
 * that Prometheus' older text format knows as well. NULL, with a sentence; else to be freed.
 */
char *metrics_text(struct facts *facts, size_t *size);

/* Serves it over HTTP on [ADDRESS:]PORT or unix:PATH; the exit status. */
int metrics_serve(const char *where, const char *user);

#endif /* UVF_METRICS_H */
