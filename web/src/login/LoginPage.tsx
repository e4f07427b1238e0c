// SPDX-License-Identifier: Apache-2.0
import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { logIn, sessionQuery } from "../api/session";
import { Card } from "../ui/Card";
import { Failure } from "../ui/Failure";
import { CodeInput } from "./CodeInput";

/** Asks who somebody is, then leads them to `next`. */
export function LoginPage({ next }: { next: string }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const client = useQueryClient();
  const router = useRouter();
  const login = useMutation({
    mutationFn: logIn,
    onSuccess: (session) => {
      client.setQueryData(sessionQuery.queryKey, session);
      router.navigate({ href: next, replace: true });
    },
    onError: () => setCode(""),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate({ user: user.trim(), password, otp_token: code });
  };
  return (
    <Card title="Log in" lead="Use the account that you were invited to.">
      <form onSubmit={submit}>
        <Stack>
          <Failure error={login.error} />
          <TextInput
            label="User"
            name="username"
            autoComplete="username"
            required
            autoFocus
            value={user}
            onChange={(event) => setUser(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            name="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <CodeInput value={code} onChange={setCode} />
          <Button type="submit" loading={login.isPending} fullWidth>
            Log in
          </Button>
        </Stack>
      </form>
    </Card>
  );
}
