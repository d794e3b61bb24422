<?xml version="1.0" encoding="UTF-8"?>
<!-- The discharges of a hospital's month into the claim of an insurer: grouped by ward, sorted, summed, codes looked up,
     dates and amounts written anew. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:h="urn:h99:xuat-vien"
    xmlns:b="urn:lgsp:transform" xmlns="urn:h99:quyet-toan" exclude-result-prefixes="h b">
  <xsl:key name="by-ward" match="h:RaVien" use="h:Khoa"/>
  <xsl:decimal-format name="vn" decimal-separator="," grouping-separator="."/>

  <xsl:template match="/h:DanhSach">
    <QuyetToan ky="{h:Thang}" coSo="{h:CoSo/@ma}">
      <xsl:for-each select="h:RaVien[generate-id() = generate-id(key('by-ward', h:Khoa)[1])]">
        <xsl:sort select="h:Khoa"/>
        <Khoa ten="{h:Khoa}" soLuot="{count(key('by-ward', h:Khoa))}">
          <xsl:apply-templates select="key('by-ward', h:Khoa)">
            <xsl:sort select="h:NgayRa"/>
            <xsl:sort select="h:NguoiBenh/h:HoTen"/>
          </xsl:apply-templates>
          <Tong><xsl:call-template name="money">
            <xsl:with-param name="amount" select="sum(key('by-ward', h:Khoa)/h:DichVu/h:Dong/@tien)"/>
          </xsl:call-template></Tong>
        </Khoa>
      </xsl:for-each>
    </QuyetToan>
  </xsl:template>

  <xsl:template match="h:RaVien">
    <Luot so="{@so}" stt="{position()}">
      <HoTen><xsl:value-of select="normalize-space(h:NguoiBenh/h:HoTen)"/></HoTen>
      <GioiTinh><xsl:value-of select="b:code('gender-insurer', h:NguoiBenh/h:GioiTinh)"/></GioiTinh>
      <NgaySinh><xsl:apply-templates select="h:NguoiBenh/h:NgaySinh" mode="date"/></NgaySinh>
      <NgayRa><xsl:apply-templates select="h:NgayRa" mode="date"/></NgayRa>
      <ChanDoan>
        <xsl:for-each select="h:ChanDoan/h:Ma">
          <xsl:value-of select="translate(., 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"/>
          <xsl:if test="position() != last()">;</xsl:if>
        </xsl:for-each>
      </ChanDoan>
      <xsl:for-each select="h:DichVu/h:Dong">
        <xsl:sort select="@tien" data-type="number" order="descending"/>
        <DichVu ma="{@ma}" ten="{@ten}" soLuong="{@soLuong}" donVi="{@donVi}">
          <xsl:attribute name="nhom">
            <xsl:choose>
              <xsl:when test="starts-with(@ma, 'T')">thuoc</xsl:when>
              <xsl:when test="starts-with(@ma, 'X')">xet-nghiem</xsl:when>
              <xsl:otherwise>khac</xsl:otherwise>
            </xsl:choose>
          </xsl:attribute>
          <xsl:call-template name="money"><xsl:with-param name="amount" select="@tien"/></xsl:call-template>
        </DichVu>
      </xsl:for-each>
    </Luot>
  </xsl:template>

  <xsl:template match="*" mode="date">
    <xsl:value-of select="concat(substring(., 9, 2), '/', substring(., 6, 2), '/', substring(., 1, 4))"/>
  </xsl:template>

  <xsl:template name="money">
    <xsl:param name="amount"/>
    <xsl:value-of select="format-number($amount, '#.##0', 'vn')"/>
  </xsl:template>
</xsl:stylesheet>
