// SPDX-License-Identifier: Apache-2.0
import { Text } from "@mantine/core";
import { Card } from "./Card";
import { AnchorLink } from "./links";

export function NotFound() {
  return (
    <Card title="There is no such page">
      <Text size="sm">
        Go to the <AnchorLink to="/audit">audit log</AnchorLink>.
      </Text>
    </Card>
  );
}
