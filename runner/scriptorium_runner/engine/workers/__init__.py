"""The supervisor's hold on the fork server and its workers; nothing that they say is believed unread."""
