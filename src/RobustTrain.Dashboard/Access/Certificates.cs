using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Access;

/// <summary>Reads the certificate of a page that is served over TLS.</summary>
internal static class Certificates
{
    /// <summary>Reads a certificate with its key.</summary>
    /// <param name="path">A PEM file with the certificate and those that signed it, or a PFX file without a password.</param>
    /// <param name="keyPath">A PEM file with the key; null where it is in the same file.</param>
    /// <exception cref="RunException">They can't be read, or don't belong together.</exception>
    public static X509Certificate2 Read(string path, string? keyPath)
    {
        foreach (string file in (string[])[path, keyPath ?? path])
        {
            if (!File.Exists(file))
                throw new RunException(ExitCode.Configuration, "CertificateNotFound", $"There is no certificate file '{file}'.", file);
        }

        try
        {
            if (Path.GetExtension(path).ToLowerInvariant() is ".pfx" or ".p12")
                return X509CertificateLoader.LoadPkcs12FromFile(path, null);

            // Windows' TLS takes no key that is in memory only.
            using X509Certificate2 read = X509Certificate2.CreateFromPemFile(path, keyPath);
            return X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pfx), null);
        }
        catch (Exception refused) when (refused is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Configuration, "CertificateNotUsable", $"The certificate '{path}' can't be used: {refused.Message.TrimEnd('.')}; expected a PEM file with certificate and key, or a PFX file without a password.", path, refused);
        }
    }
}
