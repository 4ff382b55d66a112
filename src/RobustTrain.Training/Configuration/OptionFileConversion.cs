using System.Globalization;
using RobustTrain.Configuration;

namespace RobustTrain.Training.Configuration;

/// <summary>
/// Turns an option file of traiNNer-redux (super-resolution) into a configuration. What has no counterpart is named; nothing is left out in silence.
/// </summary>
public sealed class OptionFileConversion
{
    // Options whose value is taken as it is, with the round of the degradation behind them where they have two.
    private static readonly (string Option, string Key)[] s_same =
    [
        ("name", "name"), ("scale", "model.scale"), ("gt_usm", "data.gt_usm"), ("manual_seed", "seed"),
        ("datasets.train.filename_tmpl", "data.filename_tmpl"), ("datasets.train.meta_info", "data.lists.train"), ("datasets.val.meta_info", "data.lists.val"),
        ("datasets.train.num_worker_per_gpu", "loader.num_workers"), ("datasets.train.batch_size_per_gpu", "loader.batch_size"), ("datasets.train.accum_iter", "trainer.accumulate"),
        ("datasets.train.num_prefetch_queue", "loader.prefetch_queue_length"), ("datasets.train.persistent_workers", "loader.persistent_workers"),
        ("network_g.num_feat", "model.features"), ("network_g.num_conv", "model.blocks"), ("network_g.num_block", "model.blocks"), ("network_g.num_in_ch", "model.in_channels"),
        ("network_d.num_feat", "gan.features"),
        ("path.pretrain_network_g", "trainer.start_from"),
        ("train.optim_g.lr", "optimizer.learning_rate"), ("train.optim_g.weight_decay", "optimizer.weight_decay"), ("train.optim_g.momentum", "optimizer.momentum"),
        ("train.optim_d.lr", "gan.discriminator_learning_rate"),
        ("train.total_iter", "trainer.total_iter"),
        ("logger.save_checkpoint_freq", "checkpoint.every_steps"),
        ("final_sinc_prob", "data.degradation.final_sinc_probability"), ("datasets.train.final_sinc_prob", "data.degradation.final_sinc_probability"),
    ];

    private static readonly (string Option, string Key)[] s_degradation =
    [
        ("blur_prob", "blur_probability"), ("resize_prob", "resize_probabilities"), ("resize_range", "resize_range"), ("gaussian_noise_prob", "gaussian_noise_probability"),
        ("noise_range", "noise_range"), ("poisson_scale_range", "poisson_scale_range"), ("gray_noise_prob", "gray_noise_probability"), ("jpeg_range", "jpeg_range"),
        ("datasets.train.kernel_prob", "kernel_probabilities"), ("datasets.train.sinc_prob", "sinc_probability"), ("datasets.train.blur_sigma", "blur_sigma"),
    ];

    // What is so here without being asked for.
    private static readonly (string Option, string Value)[] s_always =
    [
        ("datasets.train.io_backend.type", "disk"), ("datasets.val.io_backend.type", "disk"), ("logger.save_checkpoint_format", "safetensors"), ("logger.use_tb_logger", "true"),
        ("jpeg_prob", "1"), ("jpeg_prob2", "1"), ("val.val_enabled", "true"), ("val.metrics_enabled", "true"), ("path.strict_load_g", "true"), ("dist_params.backend", "nccl"),
        ("datasets.train.type", "pairedimagedataset"), ("datasets.train.type", "realesrgandataset"), ("datasets.val.type", "pairedimagedataset"),
        ("datasets.train.dataset_enlarge_ratio", "auto"), ("network_g.num_out_ch", "3"), ("network_d.num_in_ch", "3"),
    ];

    private static readonly Dictionary<string, string[]> s_networks = new(StringComparer.OrdinalIgnoreCase)
    {
        ["compact"] = ["model.name=srvggnet-compact"],
        ["srvggnetcompact"] = ["model.name=srvggnet-compact"],
        ["ultracompact"] = ["model.name=srvggnet-compact", "model.features=64", "model.blocks=8"],
        ["superultracompact"] = ["model.name=srvggnet-compact", "model.features=24", "model.blocks=8"],
        ["edsr"] = ["model.name=edsr"],
        ["edsr_l"] = ["model.name=edsr"],
        ["edsr_m"] = ["model.name=edsr-baseline"],
        ["span"] = ["model.name=span"],
        ["span_s"] = ["model.name=span", "model.features=48"],
        ["esrgan"] = ["model.name=rrdbnet"],
        ["rrdbnet"] = ["model.name=rrdbnet"],
        ["esrgan_lite"] = ["model.name=rrdbnet", "model.features=32", "model.blocks=12"],
    };

    private static readonly Dictionary<string, string> s_losses = new(StringComparer.OrdinalIgnoreCase)
    {
        ["l1loss"] = "l1",
        ["mseloss"] = "mse",
        ["charbonnierloss"] = "charbonnier",
        ["msssiml1loss"] = "ms-ssim-l1",
        ["perceptualloss"] = "perceptual",
    };

    private readonly Dictionary<string, YamlLeaf> _left;
    private readonly List<string> _settings = ["task=super-resolution"];
    private readonly List<UnmatchedOption> _unmatched = [];

    private OptionFileConversion(IReadOnlyList<YamlLeaf> leaves) => _left = leaves.ToDictionary(leaf => leaf.Path, StringComparer.Ordinal);

    /// <summary>The configuration.</summary>
    public TrainingConfig Config => ConfigurationReader.ReadPartial<TrainingConfig>(path: null, _settings);

    /// <summary>What has no counterpart, in the file's order.</summary>
    public IReadOnlyList<UnmatchedOption> Unmatched => [.. _unmatched.OrderBy(option => option.Line)];

    /// <summary>Converts a file.</summary>
    /// <exception cref="ConfigurationException">The file can't be read.</exception>
    public static OptionFileConversion Read(string path)
    {
        OptionFileConversion conversion = new(YamlLeaves.Read(path));
        conversion.Convert();
        return conversion;
    }

    private void Convert()
    {
        // A folder is looked for from where the trainer is started, as theirs are.
        _settings.Add("data.path=.");
        ConvertNetworks();
        foreach ((string option, string key) in s_same)
            Take(option, key);
        ConvertData();
        ConvertDegradation();
        ConvertTraining();
        ConvertLosses();
        foreach ((string option, string value) in s_always)
        {
            if (_left.TryGetValue(option, out YamlLeaf? leaf) && SameText(leaf.Value, value))
                _left.Remove(option);
        }

        foreach (string title in new[] { "datasets.train.name", "datasets.val.name", "train.optim_d.type" })
            _left.Remove(title);
        _unmatched.AddRange(_left.Values.Select(leaf => new UnmatchedOption(leaf.Path, leaf.Text, leaf.Line, null)));
    }

    private void ConvertNetworks()
    {
        if (Pop("network_g.type") is { } type)
        {
            if (s_networks.TryGetValue(type.Value ?? "", out string[]? settings))
                _settings.AddRange(settings);
            else
                Unmatch(type, "there is no such network here");
        }

        if (Pop("network_d.type") is { } judge && !SameText(judge.Value, "unetdiscriminatorsn"))
            Unmatch(judge, "the discriminator here is Real-ESRGAN's U-Net with spectral normalisation");
        if (_left.GetValueOrDefault("path.pretrain_network_g") is { Value: { } weights } && !weights.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            Unmatch(Pop("path.pretrain_network_g")!, "weights are read from safetensors only; trainer.start_from takes such a file");
    }

    private void ConvertData()
    {
        double scale = Number("scale") ?? 4;
        if (Pop("datasets.train.gt_size") is { } gt)
            Set(gt, "data.crop_size", gt.Value);
        else if (Pop("datasets.train.lq_size") is { } lq)
            Set(lq, "data.crop_size", double.TryParse(lq.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double side) ? Text(side * scale) : lq.Value);
        foreach ((string option, string split) in new[] { ("train", "train"), ("val", "val") })
        {
            Folder($"datasets.{option}.dataroot_gt", $"data.gt_folders.{split}");
            Folder($"datasets.{option}.dataroot_lq", $"data.lq_folders.{split}");
        }

        if (Pop("datasets.train.use_hflip") is { } flip)
            Set(flip, "data.augmentation.horizontal_flip", SameText(flip.Value, "true") ? "0.5" : "0");
        if (Pop("datasets.train.use_rot") is { } rotation)
        {
            Set(rotation, "data.augmentation.rotate", rotation.Value);
            _settings.Add($"data.augmentation.vertical_flip={(SameText(rotation.Value, "true") ? "0.5" : "0")}");
        }

        if (_left.GetValueOrDefault("datasets.train.dataset_enlarge_ratio") is { } ratio && !SameText(ratio.Value, "auto"))
            Take(ratio.Path, "data.enlarge_ratio");
        if (Pop("datasets.train.prefetch_mode") is { } mode)
            Set(mode, "loader.prefetch_mode", mode.Value ?? "none");
        if (Pop("num_gpu") is { } gpus)
            Set(gpus, "device", SameText(gpus.Value, "0") ? "cpu" : SameText(gpus.Value, "auto") || SameText(gpus.Value, "1") ? "auto" : null, "one process trains on one device");
        if (Pop("val.save_img") is { } save && SameText(save.Value, "true"))
        {
            _settings.Add("trainer.validation_pictures=8");
            _unmatched.Add(new UnmatchedOption(save.Path, save.Text, save.Line, "pictures of 8 images are saved by trainer.validation_pictures, and not of all"));
        }

        if (Pop("val.tile_size") is { } tile)
            Set(tile, "data.tile_size", double.TryParse(tile.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double pixels) && pixels > 0 ? Text(pixels * scale) : "null");
    }

    // One folder a split; the validation's is the test's too, of which they have none.
    private void Folder(string option, string key)
    {
        if (Pop(option) is not { } leaf)
            return;
        IReadOnlyList<string> folders = leaf.Items ?? (leaf.Value is null ? [] : [leaf.Value]);
        if (folders.Count == 0)
            return;
        Set(leaf, key, ConfigurationWriter.Quote(folders[0]));
        if (key.EndsWith(".val", StringComparison.Ordinal))
            _settings.Add($"{key[..^3]}test={ConfigurationWriter.Quote(folders[0])}");
        foreach (string other in folders.Skip(1))
            _unmatched.Add(new UnmatchedOption(option, other, leaf.Line, "a split has one folder; this one is left out"));
    }

    private void ConvertDegradation()
    {
        if (Pop("high_order_degradation") is { } order)
            _settings.Add($"data.degradation.name={(SameText(order.Value, "true") ? "second-order" : "none")}");
        else if (_left.GetValueOrDefault("datasets.train.type") is { } type && SameText(type.Value, "realesrgandataset"))
            _settings.Add("data.degradation.name=second-order");
        foreach ((string option, string key) in s_degradation)
        {
            Take(option, $"data.degradation.first.{key}");
            Take($"{option}2", $"data.degradation.second.{key}");
        }
    }

    private void ConvertTraining()
    {
        if (Pop("train.optim_g.type") is { } optimizer)
            Set(optimizer, "optimizer.name", optimizer.Value?.ToLowerInvariant());
        if (Pop("train.optim_g.betas") is { Items: [var first, var second] } betas)
        {
            Set(betas, "optimizer.beta1", first);
            Set(betas, "optimizer.beta2", second);
        }

        if (Pop("use_amp") is { } half)
        {
            YamlLeaf? isBfloat = Pop("amp_bf16");
            Set(half, "trainer.precision", !SameText(half.Value, "true") ? "fp32" : SameText(isBfloat?.Value, "true") ? "bf16" : "fp16");
        }

        if (Pop("train.ema_decay") is { } decay)
            Set(decay, "trainer.ema_decay", double.TryParse(decay.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double share) && share > 0 ? decay.Value : "null");
        if (Pop("train.warmup_iter") is { } warmup)
            Set(warmup, "schedule.warmup_steps", warmup.Value?.StartsWith('-') == true ? "0" : warmup.Value);
        if (Pop("train.grad_clip") is { } clip && !SameText(clip.Value, "false"))
            Unmatch(clip, "trainer.clip_norm takes the norm itself");
        string schedule = "constant";
        if (Pop("train.scheduler.type") is { } scheduler)
        {
            if (SameText(scheduler.Value, "CosineAnnealingLR"))
                schedule = "cosine";
            else
                Unmatch(scheduler, "the learning rate stays as it is: schedule.name is constant");
        }

        _settings.Add($"schedule.name={schedule}");
        if (Pop("val.metrics.psnr.type") is not null)
        {
            YamlLeaf? onY = Pop("val.metrics.psnr.test_y_channel");
            _settings.Add($"trainer.best_metric={(SameText(onY?.Value, "true") ? "psnr_y" : "psnr")}");
        }

        foreach (string measured in new[] { "val.metrics.ssim.type", "val.metrics.ssim.test_y_channel" })
            _left.Remove(measured);
        foreach (string border in new[] { "val.metrics.psnr.crop_border", "val.metrics.ssim.crop_border" })
        {
            if (Pop(border) is { } pixels && !SameText(pixels.Value, Text(Number("scale") ?? 4)))
                Unmatch(pixels, "as many pixels are left out as the scale has");
        }
    }

    private void ConvertLosses()
    {
        List<(string Name, string Weight)> terms = [];
        for (int place = 0; _left.Keys.Any(key => key.StartsWith(Prefix(place), StringComparison.Ordinal)); place++)
        {
            string prefix = Prefix(place);
            YamlLeaf? type = Pop($"{prefix}type");
            YamlLeaf? weight = Pop($"{prefix}loss_weight");
            bool isOff = double.TryParse(weight?.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value == 0;
            if (type is null)
                continue;
            if (isOff)
                Drop(prefix);
            else if (SameText(type.Value, "ganloss"))
                ConvertGan(prefix, weight);
            else if (s_losses.TryGetValue(type.Value ?? "", out string? name))
                terms.Add((name, weight?.Value ?? "1"));
            else
                Unmatch(type, "there is no such loss here");
            if (SameText(type.Value, "msssiml1loss"))
                Take($"{prefix}alpha", "criterion.ms_ssim_share");
            if (SameText(type.Value, "charbonnierloss"))
                Take($"{prefix}eps", "criterion.charbonnier_epsilon");
            if (SameText(type.Value, "perceptualloss") && !isOff)
                Unmatch(type, "criterion.perceptual_path has to name a safetensors file with VGG19's weights");
        }

        if (terms is [(var only, "1" or "1.0")])
        {
            _settings.Add($"criterion.name={only}");
        }
        else if (terms.Count > 0)
        {
            _settings.Add("criterion.name=sum");
            _settings.Add($"criterion.terms=[{string.Join(", ", terms.Select(term => term.Name))}]");
            _settings.Add($"criterion.term_weights=[{string.Join(", ", terms.Select(term => term.Weight))}]");
        }

        static string Prefix(int place) => string.Create(CultureInfo.InvariantCulture, $"train.losses.{place}.");
    }

    private void ConvertGan(string prefix, YamlLeaf? weight)
    {
        YamlLeaf? kind = Pop($"{prefix}gan_type");
        _settings.Add($"gan.loss={(kind?.Value ?? "vanilla").ToLowerInvariant()}");
        if (weight?.Value is { } value)
            _settings.Add($"gan.weight={value}");
    }

    private void Drop(string prefix)
    {
        foreach (string key in _left.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).ToArray())
            _left.Remove(key);
    }

    private void Take(string option, string key)
    {
        if (Pop(option) is { } leaf && leaf is not { Value: null, Items: null })
            Set(leaf, key, leaf.Items is not null || double.TryParse(leaf.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out _) || bool.TryParse(leaf.Value, out _) ? leaf.Text : ConfigurationWriter.Quote(leaf.Value));
    }

    // What our key refuses is named with its reason.
    private void Set(YamlLeaf leaf, string key, string? value, string? otherwise = null)
    {
        if (value is null)
        {
            Unmatch(leaf, otherwise);
            return;
        }

        try
        {
            ConfigurationReader.ReadPartial<TrainingConfig>(path: null, ["task=super-resolution", $"{key}={value}"]);
            _settings.Add($"{key}={value}");
        }
        catch (ConfigurationException refused) when (!refused.Errors.Any(error => error.ErrorId == "ConfigurationInconsistent"))
        {
            Unmatch(leaf, refused.Errors[0].Message.Replace("--set ", "", StringComparison.Ordinal).TrimEnd('.'));
        }
        catch (ConfigurationException)
        {
            // Alone it contradicts a default; together with the others it is checked at the end.
            _settings.Add($"{key}={value}");
        }
    }

    private YamlLeaf? Pop(string option) => _left.Remove(option, out YamlLeaf? leaf) ? leaf : null;

    private double? Number(string option) => double.TryParse(_settings.LastOrDefault(setting => setting.StartsWith($"model.{option}=", StringComparison.Ordinal))?.Split('=')[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    private void Unmatch(YamlLeaf leaf, string? reason) => _unmatched.Add(new UnmatchedOption(leaf.Path, leaf.Text, leaf.Line, reason));

    private static bool SameText(string? found, string expected) => string.Equals(found, expected, StringComparison.OrdinalIgnoreCase)
        || (double.TryParse(found, NumberStyles.Float, CultureInfo.InvariantCulture, out double left) && double.TryParse(expected, NumberStyles.Float, CultureInfo.InvariantCulture, out double right) && left == right);

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>An option that has no counterpart.</summary>
/// <param name="Option">Where it stands, as train.scheduler.milestones.</param>
/// <param name="Value">Its value.</param>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Reason">Why not, or what there is instead; null where there is nothing of the kind.</param>
public sealed record UnmatchedOption(string Option, string Value, int Line, string? Reason)
{
    /// <summary>The option in one line, for people.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"line {Line}: {Option}: {Value}{(Reason is null ? "" : $" ({Reason})")}");
}
