using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;

namespace RobustTrain.Dashboard.Serving;

/// <summary>The page's own files, which are inside this program.</summary>
internal static class PageFiles
{
    private static readonly FrozenDictionary<string, (byte[] Content, string Type)> s_files = new Dictionary<string, string>
    {
        ["/"] = "index.html",
        ["/app.js"] = "app.js",
        ["/views.js"] = "views.js",
        ["/chart.js"] = "chart.js",
        ["/style.css"] = "style.css",
        ["/icon.svg"] = "icon.svg",
    }.ToFrozenDictionary(file => file.Key, file => (Read(file.Value), TypeOf(file.Value)));

    /// <summary>The paths that have a file.</summary>
    public static IEnumerable<string> Paths => s_files.Keys;

    /// <summary>Answers with the file of a path.</summary>
    public static Task WriteAsync(HttpContext context)
    {
        (byte[] content, string type) = s_files[context.Request.Path.Value!];
        context.Response.ContentType = type;
        context.Response.ContentLength = content.Length;
        return context.Response.Body.WriteAsync(content, context.RequestAborted).AsTask();
    }

    private static byte[] Read(string name)
    {
        using Stream resource = typeof(PageFiles).Assembly.GetManifestResourceStream($"page/{name}")!;
        byte[] content = new byte[resource.Length];
        resource.ReadExactly(content);
        return content;
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    };
}
