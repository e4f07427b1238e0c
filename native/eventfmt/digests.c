/* SPDX-License-Identifier: Apache-2.0 */
#include "digests.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *file, const void *entry)
{
	return memcmp(file, &((const struct digest *)entry)->file, sizeof(struct file_identity));
}

const char *digest_of(const struct digests *digests, const struct file_identity *file)
{
	const struct digest *found = NULL;

	if (digests)
		found = bsearch(file, digests->entries, digests->count, sizeof(*found), compare);
	return found ? found->text : NULL;
}
