# SPDX-License-Identifier: Apache-2.0
"""Names that documents written for Teleport use, and that mean nothing here: services, kinds, verbs."""

from __future__ import annotations

FOREIGN_SERVICES = frozenset(
    {
        *("accessgraphplugin", "accessplugin", "app", "auth", "bot", "db", "discovery", "instance"),
        *("kube", "mdm", "okta", "relay", "trusted_cluster", "trustedcluster", "updater"),
        *("windows_desktop", "windowsdesktop"),
    }
)
"""Roles of join tokens, in lower case, that nothing can join as."""

KINDS = frozenset({"role", "user", "token", "node", "lock", "event", "session"})
"""Kinds of resources about which rules decide here."""
FOREIGN_KINDS = frozenset(
    {
        *("access_graph", "access_graph_settings", "access_list", "access_list_member"),
        *("access_list_review", "access_monitoring_rule", "access_plugin_data", "access_request"),
        *("app", "app_server", "audit_query", "auth_connector", "auth_server"),
        *("autoupdate_agent_report", "autoupdate_agent_rollout", "autoupdate_bot_instance_report"),
        *("autoupdate_config", "autoupdate_version", "billing", "bot", "bot_instance"),
        *("cert_authority", "cluster_alert", "cluster_audit_config", "cluster_auth_preference"),
        *("cluster_config", "cluster_maintenance_config", "cluster_name"),
        *("cluster_networking_config", "connection_diagnostic", "connectors", "contact"),
        *("crown_jewel", "database_certificate", "database_object", "database_object_import_rule"),
        *("databases", "db", "db_server", "db_service", "device", "discovery_config", "download"),
        *("dynamic_windows_desktop", "external_audit_storage", "git_server", "github"),
        *("header_policy", "health_check_config", "host_cert", "inference_model"),
        *("inference_policy", "inference_secret", "installer", "instance", "integration", "jwt"),
        *("kube_cluster", "kube_server", "kube_service", "license", "login_rule"),
        *("mfa_device", "namespace", "network_restrictions", "networks", "notification", "oidc"),
        *("oidc_request", "okta_assignment", "okta_import_rule", "plugin", "plugin_data"),
        *("plugin_static_credentials", "proxy", "recording_encryption", "relay_server"),
        *("remote_cluster", "reverse_tunnel", "saml", "saml_idp_service_provider", "saml_request"),
        *("security_report", "server", "server_info", "session_recording_config"),
        *("session_tracker", "sigstore_policy", "spiffe_federation", "ssh_session"),
        *("static_host_user", "static_tokens", "trusted_certificate_authority", "trusted_cluster"),
        *("ui_config", "usage_event", "user_group", "user_login_state", "user_task", "user_token"),
        *("web_session", "web_token", "windows_desktop", "windows_desktop_service"),
        *("workload_cluster", "workload_identity", "workload_identity_x509_revocation"),
    }
)
"""Kinds of Teleport's resources that do not exist here: rules about them change nothing."""
VERBS = frozenset({"list", "read", "readnosecrets", "create", "update", "delete"})
FOREIGN_VERBS = frozenset(
    {
        *("connect", "create_enroll_token", "createtrustedcluster", "delegate", "enroll"),
        *("impersonate", "reviewrequests", "rotate", "use"),
    }
)
