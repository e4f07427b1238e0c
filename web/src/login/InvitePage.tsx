// SPDX-License-Identifier: Apache-2.0
import {
  Button,
  Code,
  CopyButton,
  Divider,
  Group,
  Image,
  Loader,
  PasswordInput,
  Stack,
  Text,
  VisuallyHidden,
} from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type InviteInfo, unwrap } from "../api/client";
import { Card } from "../ui/Card";
import { Failure } from "../ui/Failure";
import { AnchorLink } from "../ui/links";
import { CodeInput } from "./CodeInput";

const MIN_PASSWORD = 8;

/** Behind a one-time link: choose a password and set up the second factor. */
export function InvitePage({ token }: { token: string }) {
  const params = { path: { token } };
  const invite = useQuery({
    queryKey: ["invite", token],
    queryFn: () => unwrap(api.GET("/webapi/invites/{token}", { params })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const accept = useMutation({
    mutationFn: (body: { password: string; otp_token: string }) =>
      unwrap(api.POST("/webapi/invites/{token}", { params, body })),
  });
  if (accept.isSuccess) return <Welcome user={accept.data.user} />;
  if (invite.isPending)
    return (
      <Card title="Your invitation">
        <Loader aria-label="Loading" />
      </Card>
    );
  if (invite.isError)
    return (
      <Card title="Your invitation">
        <Failure error={invite.error} />
      </Card>
    );
  return (
    <Answer
      invite={invite.data}
      error={accept.error}
      busy={accept.isPending}
      onAnswer={accept.mutate}
    />
  );
}

interface AnswerProps {
  invite: InviteInfo;
  error: Error | null;
  busy: boolean;
  onAnswer: (body: { password: string; otp_token: string }) => void;
}

function Answer({ invite, error, busy, onAnswer }: AnswerProps) {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [code, setCode] = useState("");
  const differs = again !== "" && again !== password;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (again === password) onAnswer({ password, otp_token: code });
  };
  const title = invite.reset ? "Set a new password" : `Welcome, ${invite.user}`;
  return (
    <Card title={title} lead="Choose a password, then connect your authenticator app.">
      <form onSubmit={submit}>
        <Stack>
          <VisuallyHidden>
            <input
              name="username"
              autoComplete="username"
              value={invite.user}
              readOnly
              tabIndex={-1}
              aria-label="User"
            />
          </VisuallyHidden>
          <PasswordInput
            label="Password"
            description={`At least ${MIN_PASSWORD} characters`}
            name="password"
            autoComplete="new-password"
            minLength={MIN_PASSWORD}
            required
            autoFocus
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password again"
            name="password-again"
            autoComplete="new-password"
            required
            error={differs && "The two passwords differ"}
            value={again}
            onChange={(event) => setAgain(event.currentTarget.value)}
          />
          <Divider label="Authenticator app" />
          <Secret invite={invite} />
          <CodeInput value={code} onChange={setCode} />
          <Failure error={error} />
          <Button type="submit" loading={busy} fullWidth>
            {invite.reset ? "Save" : "Create my account"}
          </Button>
        </Stack>
      </form>
    </Card>
  );
}

function Secret({ invite }: { invite: InviteInfo }) {
  const secret = new URL(invite.otp_uri).searchParams.get("secret") ?? "";
  return (
    <Stack align="center" gap="xs">
      <Image
        src={`data:image/svg+xml;utf8,${encodeURIComponent(invite.qr_svg)}`}
        alt="QR code for the authenticator app"
        w={180}
        h={180}
        radius="md"
      />
      <Text size="xs" c="dimmed">
        Scan it, or enter this key by hand:
      </Text>
      <Group gap="xs" justify="center">
        <Code>{secret.replace(/(.{4})(?=.)/g, "$1 ")}</Code>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button size="compact-xs" variant="subtle" onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
      </Group>
    </Stack>
  );
}

function Welcome({ user }: { user: string }) {
  return (
    <Card title="Your account is ready">
      <Text size="sm">
        You can log in as <strong>{user}</strong> here, or in a terminal:
      </Text>
      <Code block>{`tsh login --proxy=${window.location.host} --user=${user}`}</Code>
      <AnchorLink to="/login" size="sm" fw={550}>
        Log in on this page
      </AnchorLink>
    </Card>
  );
}
