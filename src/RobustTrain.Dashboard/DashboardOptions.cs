using System.Globalization;
using System.Net;
using RobustTrain.Monitoring;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard;

/// <summary>What a page shows, where it is served, and what it allows.</summary>
internal sealed record DashboardOptions
{
    /// <summary>The port where none is given.</summary>
    public const int DefaultPort = 8765;

    /// <summary>The runs' folder, absolute.</summary>
    public required string Path { get; init; }

    /// <summary>The port; 0 takes one that is free.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>The address to listen on beside this machine's own; null serves this machine alone.</summary>
    public IPAddress? Listen { get; init; }

    /// <summary>Names under which others call this machine, beside its own name and address.</summary>
    public IReadOnlyList<string> HostNames { get; init; } = [];

    /// <summary>The certificate, for TLS; null for none.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>The certificate's key, where it is in another file.</summary>
    public string? CertificateKeyPath { get; init; }

    /// <summary>A file with the token; null for a new token with each start.</summary>
    public string? TokenPath { get; init; }

    /// <summary>Whether the page may stop and resume runs.</summary>
    public bool AllowControl { get; init; }

    /// <summary>The hosts that are watched, and how.</summary>
    public MonitorSessionOptions Monitoring { get; init; } = new();

    /// <summary>The executable that resumes runs.</summary>
    public string Executable { get; init; } = "robusttrain";

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Checks the values.</summary>
    /// <exception cref="RunException">A value means nothing.</exception>
    public void Validate()
    {
        if (!Directory.Exists(Path))
            throw Refused("FolderNotFound", $"There is no folder '{Path}'; expected one that holds runs.", Path);
        if (Port is < 0 or > 65535)
            throw Refused("PortOutOfRange", string.Create(CultureInfo.InvariantCulture, $"The port is {Port}, but must be from 0 to 65535; 0 takes one that is free."), Port);
        if (CertificateKeyPath is not null && CertificatePath is null)
            throw Refused("KeyWithoutCertificate", "--certificate-key has no effect without --certificate.", CertificateKeyPath);
        if (HostNames.Count > 0 && Listen is null)
            throw Refused("HostNameWithoutListen", "--host-name has no effect without --listen: the page is served to this machine alone.", HostNames[0]);
    }

    private static RunException Refused(string id, string message, object target) => new(ExitCode.Configuration, id, message, target);
}
