using Microsoft.AspNetCore.Http;

namespace RobustTrain.Dashboard.Access;

/// <summary>Decides about each request before anything of it is looked at.</summary>
/// <param name="token">The page's secrets.</param>
/// <param name="hosts">The names under which it is served, with the port.</param>
/// <param name="isSecure">Whether it is served over TLS.</param>
/// <param name="port">Its port: browsers keep cookies of all ports of a machine together.</param>
internal sealed class RequestGuard(AccessToken token, IReadOnlySet<string> hosts, bool isSecure, int port)
{
    private const string ContentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private readonly string _cookie = $"robusttrain-{port}";

    /// <summary>The header that a request to change something carries.</summary>
    public const string WriteHeader = "X-RobustTrain-Write";

    /// <summary>Lets a request through, or answers it.</summary>
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        SetHeaders(context.Response);
        HttpRequest request = context.Request;

        // A name of somebody else's that leads to this machine (DNS rebinding) would make the page theirs.
        if (!hosts.Contains(request.Host.Value ?? ""))
            return Refuse(context, StatusCodes.Status421MisdirectedRequest, "This page is not served under this name.");
        if (request.Headers["Sec-Fetch-Site"] is [{ } from] && from is not ("same-origin" or "none") && !IsNavigation(request))
            return Refuse(context, StatusCodes.Status403Forbidden, "Requests of other pages are not answered.");
        bool isWrite = HttpMethods.IsPost(request.Method);
        if (!isWrite && !HttpMethods.IsGet(request.Method))
            return Refuse(context, StatusCodes.Status405MethodNotAllowed, "Only GET and POST mean something here.");
        if (Authorize(context) is { } refusal)
            return Refuse(context, refusal.Status, refusal.Sentence);
        if (isWrite && (!IsOwnOrigin(request) || !AccessToken.Matches(request.Headers[WriteHeader], token.Writing)))
            return Refuse(context, StatusCodes.Status403Forbidden, "Only this page's own scripts may change something.");
        return next(context);
    }

    /// <summary>Answers with a sentence.</summary>
    public static Task Refuse(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(sentence + "\n", context.RequestAborted);
    }

    private (int Status, string Sentence)? Authorize(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (AccessToken.Matches(request.Cookies[_cookie], token.Session))
            return null;
        if (request.Headers.Authorization is [{ } header])
        {
            const string scheme = "Bearer ";
            return header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) && AccessToken.Matches(header[scheme.Length..].Trim(), token.Text)
                ? null
                : (StatusCodes.Status403Forbidden, "The token is not this page's; it may have been started anew since.");
        }

        // Elsewhere an address with a token would be kept in more places.
        if (request.Path == "/" && request.Query["token"] is [{ Length: > 0 } given])
        {
            if (!AccessToken.Matches(given, token.Text))
                return (StatusCodes.Status403Forbidden, "The token is not this page's; it may have been started anew since.");
            context.Response.Cookies.Append(_cookie, token.Session, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = isSecure, Path = "/", IsEssential = true });
            return null;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        return (StatusCodes.Status401Unauthorized, "This page opens by the address with a token that its start has printed.");
    }

    private bool IsOwnOrigin(HttpRequest request) =>
        request.Headers.Origin is [{ } origin] && origin == $"{(isSecure ? "https" : "http")}://{request.Host.Value}";

    private static bool IsNavigation(HttpRequest request) => request.Path == "/" && request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";

    private static void SetHeaders(HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }
}
