// SPDX-License-Identifier: Apache-2.0
import { AppShell, Badge, Container, Group, Menu, Text, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconListDetails, IconLogout, IconVideo } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Outlet, useLocation, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import type { Session } from "../api/client";
import { logOut, sessionQuery } from "../api/session";
import { Failure } from "./Failure";
import { ButtonLink } from "./links";
import { Mark } from "./Mark";

const PAGES = [
  { to: "/audit", label: "Audit log", Icon: IconListDetails },
  { to: "/recordings", label: "Recordings", Icon: IconVideo },
] as const;

/** The frame of every page of somebody who is logged in. */
export function Shell() {
  const { data: session } = useQuery(sessionQuery);
  const { pathname } = useLocation();
  const router = useRouter();
  const client = useQueryClient();
  const leaving = useMutation({
    mutationFn: logOut,
    onSuccess: () => {
      client.clear();
      client.setQueryData(sessionQuery.queryKey, null);
    },
  });
  const left = leaving.isSuccess;
  useEffect(() => {
    if (session !== null) return;
    const search = left ? {} : { next: router.state.location.href };
    router.navigate({ to: "/login", search, replace: true });
  }, [session, left, router]);
  if (!session) return null;
  return (
    <AppShell header={{ height: 56 }} padding="md">
      <AppShell.Header>
        <Container size="xl" h="100%">
          <Group h="100%" justify="space-between" wrap="nowrap">
            <Group gap="lg" wrap="nowrap">
              <Group gap={8} wrap="nowrap">
                <Mark size={26} />
                <Text fw={700} visibleFrom="xs">
                  Proctor
                </Text>
                <Badge variant="light" tt="none" fw={550} visibleFrom="sm">
                  {session.cluster_name}
                </Badge>
              </Group>
              <Group component="nav" gap={4} wrap="nowrap" aria-label="Pages">
                {PAGES.map(({ to, label, Icon }) => (
                  <ButtonLink
                    key={to}
                    to={to}
                    size="sm"
                    px="sm"
                    variant={pathname.endsWith(to) ? "light" : "subtle"}
                    color={pathname.endsWith(to) ? "lagoon" : "gray"}
                    leftSection={<Icon size={17} aria-hidden />}
                  >
                    {label}
                  </ButtonLink>
                ))}
              </Group>
            </Group>
            <Account session={session} onLeave={leaving.mutate} />
          </Group>
        </Container>
      </AppShell.Header>
      <AppShell.Main>
        <Container size="xl" px={0}>
          <Failure error={leaving.error} />
          <Outlet />
        </Container>
      </AppShell.Main>
    </AppShell>
  );
}

function Account({ session, onLeave }: { session: Session; onLeave: () => void }) {
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <UnstyledButton aria-label={`Account of ${session.user}`}>
          <Group gap={6} wrap="nowrap">
            <Text size="sm" fw={550} maw={160} truncate>
              {session.user}
            </Text>
            <IconChevronDown size={15} aria-hidden />
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          Roles: {session.roles.join(", ")}
          <br />
          Until {new Date(session.expires).toLocaleString()}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => onLeave()}>
          Log out
        </Menu.Item>
        <Menu.Label>Version {session.server_version}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
