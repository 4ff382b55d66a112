using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RobustTrain.Dashboard.Access;
using RobustTrain.Dashboard.Catalog;
using RobustTrain.Dashboard.Control;
using RobustTrain.Dashboard.Hosts;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Serving;

/// <summary>The page's server: Kestrel with limits, the guard before everything, the routes behind it.</summary>
internal sealed class DashboardServer : IAsyncDisposable
{
    private const int MostConnections = 256;
    private const int MostBodyBytes = 4096;
    private const int MostHeaderBytes = 16 << 10;
    private const int MostLineBytes = 8 << 10;

    private readonly WebApplication _app;
    private readonly HostWatch _hosts;
    private readonly LiveStream _live;
    private readonly X509Certificate2? _certificate;

    private DashboardServer(WebApplication app, HostWatch hosts, LiveStream live, X509Certificate2? certificate, AccessToken token, string address)
    {
        (_app, _hosts, _live, _certificate) = (app, hosts, live, certificate);
        Token = token;
        Address = address;
    }

    /// <summary>The address, with a slash at its end and without the token.</summary>
    public string Address { get; }

    /// <summary>The address with the token.</summary>
    public string Url => $"{Address}?token={Token.Text}";

    /// <summary>The secrets.</summary>
    public AccessToken Token { get; }

    /// <summary>Begins to serve.</summary>
    /// <exception cref="RunException">A value means nothing, or the port can't be had.</exception>
    /// <exception cref="RobustTrain.Monitoring.MonitorException">A host's name is not valid.</exception>
    public static async Task<DashboardServer> StartAsync(DashboardOptions options, CancellationToken stopping)
    {
        for (int left = 5; ; left--)
        {
            try
            {
                return await StartOnceAsync(options, stopping);
            }
            catch (RunException taken) when (taken.ErrorId == "PortInUse" && options.Port == 0 && left > 0)
            {
                // Another program has taken the port that was free a moment ago.
            }
        }
    }

    /// <summary>Waits until the process is told to end: by a signal, or by the token.</summary>
    public Task WaitAsync(CancellationToken stopping) => _app.WaitForShutdownAsync(stopping);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _live.DisposeAsync();
        _hosts.Dispose();
        _certificate?.Dispose();
    }

    private static async Task<DashboardServer> StartOnceAsync(DashboardOptions options, CancellationToken stopping)
    {
        options.Validate();
        AccessToken token = options.TokenPath is null ? AccessToken.Create() : AccessToken.OfFile(options.TokenPath);
        X509Certificate2? certificate = options.CertificatePath is null ? null : Certificates.Read(options.CertificatePath, options.CertificateKeyPath);

        // Port 0 lets the system choose: the same one for every address, so that it is chosen before.
        int port = options.Port != 0 ? options.Port : FreePort(options.Listen ?? IPAddress.Loopback);
        HostWatch hosts = new(options.Monitoring);
        Routes routes = new(new RunCatalog(options.Path, options.Time), hosts, token, options.AllowControl ? new RunControl(options.Executable) : null, options.Time);
        RequestGuard guard = new(token, NamesOf(options, port, certificate is not null), certificate is not null, port);
        WebApplication app = Build(options, port, certificate, routes, guard);
        try
        {
            await app.StartAsync(stopping);
        }
        catch (Exception refused) when (refused is IOException or SocketException)
        {
            await app.DisposeAsync();
            hosts.Dispose();
            certificate?.Dispose();
            throw Refusal(refused, options.Listen ?? IPAddress.Loopback, port);
        }

        routes.Live.Start();
        routes.ReadAhead();
        app.Lifetime.ApplicationStopping.Register(routes.Live.End);
        string scheme = certificate is null ? "http" : "https";
        return new DashboardServer(app, hosts, routes.Live, certificate, token, string.Create(CultureInfo.InvariantCulture, $"{scheme}://{NameFor(options)}:{port}/"));
    }

    private static WebApplication Build(DashboardOptions options, int port, X509Certificate2? certificate, Routes routes, RequestGuard guard)
    {
        // No file or variable of the folder that it is started in changes it.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "robusttrain-dashboard", ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore();
        if (certificate is not null)
            builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = MostBodyBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = MostHeaderBytes;
            kestrel.Limits.MaxRequestLineSize = MostLineBytes;
            kestrel.Limits.MaxRequestHeaderCount = 64;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(1);
            foreach (IPAddress address in AddressesOf(options))
                kestrel.Listen(address, port, listen => Secure(listen, certificate));
        });
        WebApplication app = builder.Build();
        app.Use(guard.InvokeAsync);
        app.UseRouting();
        routes.Map(app);
        return app;
    }

    private static void Secure(ListenOptions listen, X509Certificate2? certificate)
    {
        // Without TLS HTTP/2 has no way to be agreed on.
        listen.Protocols = certificate is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
        if (certificate is not null)
            listen.UseHttps(certificate);
    }

    private static IEnumerable<IPAddress> AddressesOf(DashboardOptions options)
    {
        yield return options.Listen ?? IPAddress.Loopback;
        if (options.Listen is { } listen && !listen.Equals(IPAddress.Any) && !listen.Equals(IPAddress.IPv6Any) && !IPAddress.IsLoopback(listen))
            yield return IPAddress.Loopback;
    }

    private static string NameFor(DashboardOptions options) => options.Listen switch
    {
        null => "127.0.0.1",
        { } any when any.Equals(IPAddress.Any) || any.Equals(IPAddress.IPv6Any) => options.HostNames.FirstOrDefault() ?? Environment.MachineName,
        { AddressFamily: AddressFamily.InterNetworkV6 } six => $"[{six}]",
        { } address => options.HostNames.FirstOrDefault() ?? address.ToString(),
    };

    private static HashSet<string> NamesOf(DashboardOptions options, int port, bool isSecure)
    {
        List<string> names = ["127.0.0.1", "localhost", "[::1]"];
        if (options.Listen is { } listen)
        {
            names.AddRange(options.HostNames);
            names.Add(Environment.MachineName);
            if (listen.Equals(IPAddress.Any) || listen.Equals(IPAddress.IPv6Any))
                names.AddRange(Dns.GetHostAddresses(Dns.GetHostName()).Select(TextOf));
            else
                names.Add(TextOf(listen));
        }

        // A browser leaves out the scheme's own port.
        bool isDefault = port == (isSecure ? 443 : 80);
        return new HashSet<string>(names.SelectMany(name => isDefault ? (string[])[name, $"{name}:{port}"] : [string.Create(CultureInfo.InvariantCulture, $"{name}:{port}")]), StringComparer.OrdinalIgnoreCase);
    }

    private static string TextOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    private static int FreePort(IPAddress address)
    {
        try
        {
            using TcpListener listener = new(address, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        catch (SocketException refused)
        {
            throw Refusal(refused, address, 0);
        }
    }

    private static RunException Refusal(Exception refused, IPAddress address, int port)
    {
        SocketError? error = refused is SocketException socket ? socket.SocketErrorCode : (refused.InnerException as SocketException ?? refused.InnerException?.InnerException as SocketException)?.SocketErrorCode;
        if (refused.InnerException is AddressInUseException || error == SocketError.AddressAlreadyInUse)
            return new RunException(ExitCode.Configuration, "PortInUse", string.Create(CultureInfo.InvariantCulture, $"Port {port} is used by another program; name another one by --port, or take a free one by --port 0."), port, refused);
        return error switch
        {
            SocketError.AccessDenied => new RunException(ExitCode.Configuration, "PortNotAllowed", string.Create(CultureInfo.InvariantCulture, $"This user may not listen on port {port}; one from 1024 on is free to all."), port, refused),
            SocketError.AddressNotAvailable => new RunException(ExitCode.Configuration, "AddressNotAvailable", $"This machine does not have the address {address}; --listen takes one that it has, or * for all.", address.ToString(), refused),
            _ => new RunException(ExitCode.Unexpected, "PageNotServed", $"The page can't be served: {refused.Message}", port, refused),
        };
    }
}
