/* SPDX-License-Identifier: Apache-2.0 */
// Technique: what to do, passed in the environment
// Hides: what it is to do from who records arguments
// Seen: command
// Expect: never
// Why: of the environment only LD_* and configured variables are recorded, since it holds secrets; the command itself is
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (!getenv("WORD"))
		execle("./technique", "./technique", (char *)0, (char *[]){"WORD=open-sesame", 0});
	return fputs(getenv("WORD"), fopen("ran", "w")) < 0;
}
