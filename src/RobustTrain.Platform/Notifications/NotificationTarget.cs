namespace RobustTrain.Platform.Notifications;

/// <summary>Where something is told: a webhook, which gets JSON by POST, or a command of the shell, which gets it on standard input.</summary>
public sealed record NotificationTarget
{
    private NotificationTarget(string text, Uri? webhook) => (Text, Webhook) = (text, webhook);

    /// <summary>As it was given.</summary>
    public string Text { get; }

    /// <summary>The webhook's address; null of a command.</summary>
    public Uri? Webhook { get; }

    /// <summary>The command's line; null of a webhook.</summary>
    public string? Command => Webhook is null ? Text : null;

    /// <summary>How it is called in messages: the address of a webhook often holds its password, and an argument of a command may.</summary>
    public string Name => Webhook is null ? $"the command '{Text.Split(' ', 2)[0]}'" : $"the webhook at {Webhook.GetLeftPart(UriPartial.Authority)}";

    /// <summary>Reads a target.</summary>
    /// <exception cref="FormatException">It is neither; the message is a sentence.</exception>
    public static NotificationTarget Parse(string text)
    {
        string trimmed = text.Trim();
        if (trimmed.Length == 0)
            throw new FormatException("A notification's target is empty; a command or a webhook's address, as https://example.org/hook, is expected.");
        int colon = trimmed.IndexOf("://", StringComparison.Ordinal);
        bool looksLikeAddress = colon > 0 && trimmed.AsSpan(0, colon).IndexOfAnyExceptInRange('A', 'z') < 0;
        if (!looksLikeAddress)
            return new NotificationTarget(trimmed, null);
        return Uri.TryCreate(trimmed, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https" && address.Host.Length > 0
            ? new NotificationTarget(trimmed, address)
            : throw new FormatException($"'{trimmed[..(colon + 3)]}...' is no address of a webhook: one that begins with http:// or https:// and has a host is expected.");
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}
